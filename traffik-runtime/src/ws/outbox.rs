//! An outgoing message, until the socket has room for it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::ws::socket::Socket;

/// A message that waits for room in a sink. The guard and its user each have one, and pass their
/// message on in one step, so that neither uses the room that the sink has promised to the other.
#[derive(Debug)]
pub(super) struct Outbox<M>(Option<M>);

impl<M> Default for Outbox<M> {
    fn default() -> Self {
        Self(None)
    }
}

impl<M> Outbox<M> {
    pub(super) fn put(&mut self, message: M) {
        self.0 = Some(message);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Moves the message into the sink.
    pub(super) fn poll_empty<S>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), S::Failure>>
    where
        S: Socket<Message = M>,
    {
        if self.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut socket = Pin::new(socket);
        let ready = ready!(socket.as_mut().poll_ready(cx));
        let Some(message) = self.0.take() else {
            return Poll::Ready(ready);
        };
        Poll::Ready(ready.and_then(|()| socket.start_send(message)))
    }

    /// Moves the message into the sink, and flushes it.
    pub(super) fn poll_sent<S>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), S::Failure>>
    where
        S: Socket<Message = M>,
    {
        ready!(self.poll_empty(socket, cx))?;
        Pin::new(socket).poll_flush(cx)
    }
}
