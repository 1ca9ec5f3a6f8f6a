//! The state of a guard between two messages.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::flow::BoxFuture;
use crate::timer;
use crate::ws::close::{truncated, valid_code};
use crate::ws::frame::Frame;
use crate::ws::outbox::Outbox;
use crate::ws::policy::Action;
use crate::ws::socket::Socket;

/// The time that a client has to receive the reason of a close, and to answer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The state of a guard. It is no part of a future, so that a caller that stops polling loses
/// nothing.
pub(super) enum GuardState<M> {
    /// The next message may be read.
    Open,
    /// A message is being decided.
    Deciding {
        message: Option<M>,
        action: BoxFuture<'static, Action>,
    },
    /// The notice of a refused message is being sent.
    Notifying(Outbox<M>),
    /// The connection is being closed.
    Closing(Closing<M>),
    /// There is nothing more to read.
    Closed,
}

impl<M: Frame> GuardState<M> {
    /// Returns the state after an action.
    pub(super) fn after(action: Action) -> Self {
        match action {
            Action::Deliver | Action::Drop => Self::Open,
            Action::Notify(text) => {
                let mut outbox = Outbox::default();
                outbox.put(M::of_text(text));
                Self::Notifying(outbox)
            }
            Action::Close { last, code, reason } => Self::Closing(Closing::new(last, code, reason)),
        }
    }
}

/// The end of a connection.
pub(super) struct Closing<M> {
    /// The message that is being sent.
    outbox: Outbox<M>,
    /// The close message, if another one is sent first.
    close: Option<M>,
    timeout: BoxFuture<'static, ()>,
}

impl<M: Frame> Closing<M> {
    fn new(last: Option<String>, code: u16, reason: String) -> Self {
        let close = M::of_close(valid_code(code), truncated(reason));
        let mut outbox = Outbox::default();
        let close = match last {
            None => {
                outbox.put(close);
                None
            }
            Some(text) => {
                outbox.put(M::of_text(text));
                Some(close)
            }
        };
        Self {
            outbox,
            close,
            // Without timers, the client is not awaited.
            timeout: Box::pin(async { drop(timer::sleep(CLOSE_TIMEOUT).await) }),
        }
    }

    /// Sends the messages, and reads those that the client has sent before it received them. If the
    /// connection were dropped with unread data, the client's system might discard the close. A
    /// client that does not answer in time is not awaited.
    pub(super) fn poll<S>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
        sending: &mut Context<'_>,
        budget: &mut u32,
    ) -> Poll<()>
    where
        S: Socket<Message = M>,
    {
        if self.timeout.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        loop {
            match self.poll_send(socket, sending) {
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
            match ready!(Pin::new(&mut *socket).poll_next(cx)) {
                None | Some(Err(_)) => return Poll::Ready(()),
                Some(Ok(_)) => {}
            }
            if *budget == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            *budget -= 1;
        }
    }

    fn poll_send<S>(&mut self, socket: &mut S, cx: &mut Context<'_>) -> Poll<Result<(), S::Failure>>
    where
        S: Socket<Message = M>,
    {
        ready!(self.outbox.poll_empty(socket, cx))?;
        if let Some(close) = self.close.take() {
            self.outbox.put(close);
        }
        self.outbox.poll_sent(socket, cx)
    }
}
