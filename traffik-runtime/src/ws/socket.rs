use futures_core::Stream;
use futures_sink::Sink;

use crate::ws::frame::Frame;

/// What can be guarded: a stream and a sink of [`Frame`]s. Nobody implements it by hand: whatever is both, is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no socket that can be guarded",
    label = "not a stream and a sink of messages",
    note = "axum's `WebSocket` is one, and with the feature `tungstenite` tokio-tungstenite's `WebSocketStream`"
)]
pub trait Socket:
    Stream<Item = Result<<Self as Socket>::Message, <Self as Socket>::Failure>>
    + Sink<<Self as Socket>::Message, Error = <Self as Socket>::Failure>
    + Unpin
{
    /// What it carries.
    type Message: Frame;

    /// What it fails with.
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
