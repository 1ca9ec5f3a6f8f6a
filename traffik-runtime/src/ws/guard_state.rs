//! Where a guard stands between one message and the next.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::timer;
use crate::ws::close::{sendable, shortened};
use crate::ws::decide::Judging;
use crate::ws::frame::Frame;
use crate::ws::outbox::Slot;
use crate::ws::policy::Action;
use crate::ws::socket::Socket;

/// How long a client has to take in why it is sent away, and to answer.
const PARTING: Duration = Duration::from_secs(2);

/// It is kept in the guard, whoever polls: to stop polling loses nothing.
pub(super) enum Stage<M> {
    /// The next message may be read.
    Open,
    /// A message waits for what becomes of it.
    Judging {
        message: Option<M>,
        judging: Judging,
    },
    /// What was refused is answered.
    Telling(Slot<M>),
    /// The client is told why it is sent away.
    Parting(Parting<M>),
    /// There is nothing more to read.
    Over,
}

impl<M: Frame> Stage<M> {
    /// What comes after a verdict, and the message if it is let through.
    pub(super) fn after(action: Action, message: Option<M>) -> (Self, Option<M>) {
        match action {
            Action::Deliver => (Self::Open, message),
            Action::Drop => (Self::Open, None),
            Action::Notify(text) => {
                let mut slot = Slot::default();
                slot.put(M::of_text(text));
                (Self::Telling(slot), None)
            }
            Action::Close { last, code, reason } => {
                (Self::Parting(Parting::new(last, code, reason)), None)
            }
        }
    }
}

/// The end of a connection.
pub(super) struct Parting<M> {
    /// The one being sent, and the one after it.
    slot: Slot<M>,
    close: Option<M>,
    until: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<M: Frame> Parting<M> {
    fn new(last: Option<String>, code: u16, reason: String) -> Self {
        let close = M::of_close(sendable(code), shortened(reason));
        let mut slot = Slot::default();
        let close = match last {
            None => {
                slot.put(close);
                None
            }
            Some(text) => {
                slot.put(M::of_text(text));
                Some(close)
            }
        };
        Self {
            slot,
            close,
            // A runtime without timers cannot wait for the client, so it does not.
            until: Box::pin(async { drop(timer::sleep(PARTING).await) }),
        }
    }

    /// Sends what is to be sent, and takes in what the client had sent before it knew: were the connection dropped with
    /// something unread, the client's system might drop what it was told. One who does not answer is not waited for.
    pub(super) fn poll<S>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
        sending: &mut Context<'_>,
        patience: &mut u32,
    ) -> Poll<()>
    where
        S: Socket<Message = M>,
    {
        if self.until.as_mut().poll(cx).is_ready() {
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
            if *patience == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            *patience -= 1;
        }
    }

    fn poll_send<S>(&mut self, socket: &mut S, cx: &mut Context<'_>) -> Poll<Result<(), S::Failure>>
    where
        S: Socket<Message = M>,
    {
        ready!(self.slot.poll_empty(socket, cx))?;
        if let Some(close) = self.close.take() {
            self.slot.put(close);
        }
        self.slot.poll_sent(socket, cx)
    }
}
