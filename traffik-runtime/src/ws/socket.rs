//! Sockets that can be guarded.

use futures_core::Stream;
use futures_sink::Sink;

use crate::ws::frame::Frame;

/// A socket that can be guarded: a stream and a sink of [`Frame`]s. Every type that is both
/// implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be guarded",
    label = "not a stream and a sink of messages",
    note = "axum's `WebSocket` can be guarded, and with the feature `tungstenite` also the `WebSocketStream` of tokio-tungstenite"
)]
pub trait Socket:
    Stream<Item = Result<<Self as Socket>::Message, <Self as Socket>::Failure>>
    + Sink<<Self as Socket>::Message, Error = <Self as Socket>::Failure>
    + Unpin
{
    /// The type of its messages.
    type Message: Frame;

    /// The type of its errors.
    type Failure;
}

impl<S, M, E> Socket for S
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    M: Frame,
{
    type Message = M;
    type Failure = E;
}
