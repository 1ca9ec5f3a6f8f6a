use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::ws::socket::Socket;

/// A message on its way into a sink. The guard and its user share one: each passes on its own message in one step, so
/// that neither takes the room which the other was promised.
#[derive(Debug)]
pub(super) struct Slot<M>(Option<M>);

impl<M> Default for Slot<M> {
    fn default() -> Self {
        Self(None)
    }
}

impl<M> Slot<M> {
    pub(super) fn put(&mut self, message: M) {
        self.0 = Some(message);
    }

    /// Moves what is in it into the sink.
    pub(super) fn poll_empty<S>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), S::Failure>>
    where
        S: Socket<Message = M>,
    {
        if self.0.is_none() {
            return Poll::Ready(Ok(()));
        }
        let mut socket = Pin::new(socket);
        let ready = ready!(socket.as_mut().poll_ready(cx));
        let Some(message) = self.0.take() else {
            return Poll::Ready(ready);
        };
        Poll::Ready(ready.and_then(|()| socket.start_send(message)))
    }

    /// The same, and has it sent.
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
