//! The exchanges that wait to be written to one connection, in the order in which they came.
//!
//! An exchange that leaves the queue is written. Until then its caller can withdraw it, and then it
//! is never written. So each exchange that fails is known to have been written or not.

use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::store::memcached::error::Failed;
use crate::store::memcached::meta_protocol::encoded::EncodedRequests;
use crate::store::memcached::meta_protocol::reply::Replies;

/// The number of exchanges that may wait. The callers of more wait for room, in their order.
const CAPACITY: usize = 512;

/// Sends the answer of an exchange to its caller.
pub(crate) type AnswerSender = oneshot::Sender<Result<Replies, Failed>>;

/// A bounded queue, and the task that serves it.
pub(crate) struct RequestQueue {
    room: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<QueuedExchange>,
    /// The number of exchanges that have left the queue.
    removed: u64,
    /// Wakes the task that serves the queue.
    waker: Option<Waker>,
    is_served: bool,
    is_closed: bool,
}

/// An exchange that was not written yet.
pub(crate) struct QueuedExchange {
    pub(crate) requests: EncodedRequests,
    pub(crate) answer: AnswerSender,
}

/// The answer to an exchange, as its caller awaits it. If it is dropped, the answer is read and
/// dropped.
pub(crate) struct PendingAnswer {
    queue: Arc<RequestQueue>,
    /// The number of exchanges that were pushed before this one.
    number: u64,
    answer: oneshot::Receiver<Result<Replies, Failed>>,
}

impl Default for RequestQueue {
    fn default() -> Self {
        Self {
            room: Semaphore::new(CAPACITY),
            state: Mutex::default(),
        }
    }
}

impl RequestQueue {
    /// Appends an exchange as soon as there is room; returns `None` if there is none until the
    /// deadline. Calls `start` if no task serves the queue.
    pub(crate) async fn push(
        self: &Arc<Self>,
        requests: EncodedRequests,
        deadline: Instant,
        start: impl FnOnce(),
    ) -> Result<Option<PendingAnswer>, Failed> {
        let permit = match self.room.try_acquire() {
            Ok(permit) => Ok(permit),
            Err(_) => match timeout_at(deadline, self.room.acquire()).await {
                Ok(permit) => permit,
                Err(_) => return Ok(None),
            },
        };
        // The task that removes the exchange returns its place.
        permit.map_err(|_| Failed::Closed)?.forget();
        let (sender, answer) = oneshot::channel();
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(Failed::Closed);
        }
        let number = state.removed + state.waiting.len() as u64;
        state.waiting.push_back(QueuedExchange {
            requests,
            answer: sender,
        });
        let is_served = mem::replace(&mut state.is_served, true);
        let waker = state.waker.take();
        drop(state);
        if !is_served {
            start();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(Some(PendingAnswer {
            queue: self.clone(),
            number,
            answer,
        }))
    }

    /// Removes the first exchange whose caller still waits, to write it; `None` once the queue is
    /// closed.
    pub(crate) fn poll_next(&self, context: &Context<'_>) -> Poll<Option<QueuedExchange>> {
        let mut state = self.state.lock();
        while let Some(next) = state.waiting.pop_front() {
            state.removed += 1;
            self.room.add_permits(1);
            if !next.answer.is_closed() {
                return Poll::Ready(Some(next));
            }
        }
        if state.is_closed {
            return Poll::Ready(None);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            waker => *waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Ends the service of the queue if no exchange waits. Returns `true` if it has ended.
    pub(crate) fn stop_if_empty(&self) -> bool {
        let mut state = self.state.lock();
        state.is_served = !state.waiting.is_empty();
        !state.is_served
    }

    /// Ends the service of the queue. The exchanges that wait fail.
    pub(crate) fn stop(&self, failed: &Failed) {
        let mut state = self.state.lock();
        state.is_served = false;
        self.fail(&mut state, failed);
    }

    /// Refuses exchanges from now on. Those that wait fail.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        self.room.close();
        self.fail(&mut state, &Failed::Closed);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    fn fail(&self, state: &mut State, failed: &Failed) {
        let waiting = mem::take(&mut state.waiting);
        state.removed += waiting.len() as u64;
        self.room.add_permits(waiting.len());
        for exchange in waiting {
            let _ = exchange.answer.send(Err(failed.clone()));
        }
    }
}

impl PendingAnswer {
    /// Withdraws the exchange if it was not written, and returns `true` then.
    pub(crate) fn withdraw(&mut self) -> bool {
        let state = self.queue.state.lock();
        let is_waiting = self.number >= state.removed;
        if is_waiting {
            // The task looks at this under the same lock, before it writes.
            self.answer.close();
        }
        is_waiting
    }
}

impl Future for PendingAnswer {
    type Output = Result<Replies, Failed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.answer).poll(context);
        // Without an answer, the task has ended with its runtime.
        answer.map(|answer| answer.unwrap_or_else(|_| Err(Failed::aborted())))
    }
}
