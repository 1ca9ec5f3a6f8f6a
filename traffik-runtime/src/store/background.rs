//! Operations on a store that outlive their callers, and refunds that nobody waits for.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::error::Error;
use crate::flow::BoxFuture;
use crate::store::StateStore;
use crate::store::caller::{Caller, EarlyAnswer};
use crate::store::local_refusals::LocalRefusals;
use crate::store::outcome::StoreOutcome;
use crate::store::settlement::Settlement;
use crate::{observe, timer};

/// The number of refunds of one key that are made at once.
const BATCH: usize = 64;

/// The tasks of a store that run in the background.
pub(crate) struct Background {
    running: watch::Sender<usize>,
    refunds: Mutex<HashMap<Queue, Vec<Box<dyn QueuedRefund>>>>,
}

/// The key of a queue of refunds: the runtime on which they are made, and their key in the store.
type Queue = (runtime::Id, String);

/// A hit that is settled in the background.
pub(crate) trait QueuedRefund: Send + Sync {
    /// Returns the change of its count; `None` if there is nothing to change.
    fn settlement(&self) -> Option<Settlement<'_>>;
}

impl Background {
    pub(crate) fn new() -> Self {
        Self {
            running: watch::Sender::new(0),
            refunds: Mutex::default(),
        }
    }

    /// Makes a refund in the background.
    ///
    /// One task makes the refunds of one key, many at a time. In a store that can only compare and
    /// swap, refunds side by side would mostly conflict with each other.
    pub(crate) fn refund(
        self: &Arc<Self>,
        runtime: &Handle,
        (store, clock, refusals): (Arc<dyn StateStore>, Option<Arc<dyn Clock>>, LocalRefusals),
        key: &str,
        refund: Box<dyn QueuedRefund>,
    ) {
        let queue = (runtime.id(), key.to_owned());
        let mut refunds = self.refunds.lock();
        if let Some(waiting) = refunds.get_mut(&queue) {
            return waiting.push(refund);
        }
        refunds.insert(queue.clone(), vec![refund]);
        drop(refunds);
        let worker = Worker {
            background: self.clone(),
            queue: Some(queue),
            store,
            clock,
            refusals,
        };
        self.spawn(runtime, worker.run());
    }

    /// Runs a task in the background. [`idle`](Self::idle) waits until it has ended, or its runtime
    /// has.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        runtime: &Handle,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let running = self.running();
        runtime.spawn(async move {
            task.await;
            drop(running);
        });
    }

    /// Counts an operation as running until the guard is dropped.
    pub(crate) fn running(self: &Arc<Self>) -> Running {
        self.running.send_modify(|running| *running += 1);
        Running(self.clone())
    }

    /// Waits until no task is running, but not longer than this.
    pub(crate) async fn idle(&self, within: Duration) {
        let mut running = self.running.subscribe();
        let idle = running.wait_for(|running| *running == 0);
        let _ = timer::within(within, idle).await;
    }
}

/// The task that makes the refunds of one key.
struct Worker {
    background: Arc<Background>,
    /// `None` once the queue is empty.
    queue: Option<Queue>,
    store: Arc<dyn StateStore>,
    clock: Option<Arc<dyn Clock>>,
    refusals: LocalRefusals,
}

impl Worker {
    async fn run(mut self) {
        while let Some(batch) = self.next_batch() {
            let settlements = batch.iter().filter_map(|refund| refund.settlement());
            let settlements: Vec<_> = settlements.collect();
            let caller = Caller::gone();
            let clock = self.clock.as_deref();
            let settled = self.store.settle(&settlements, clock, &caller).await;
            let keys = settlements.iter().map(|settlement| settlement.plan.key);
            self.refusals.forget(keys);
            if let Err(error) = settled {
                for _ in &settlements {
                    observe::not_refunded(self.store.kind(), &error);
                }
            }
        }
    }

    fn next_batch(&mut self) -> Option<Vec<Box<dyn QueuedRefund>>> {
        let mut refunds = self.background.refunds.lock();
        let waiting = refunds.get_mut(self.queue.as_ref()?)?;
        if waiting.is_empty() {
            refunds.remove(&self.queue.take()?);
            return None;
        }
        let batch = waiting.len().min(BATCH);
        Some(waiting.drain(..batch).collect())
    }
}

impl Drop for Worker {
    /// Removes the queue, if the runtime or a strategy has stopped this task, so that the next
    /// refund starts another one.
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else {
            return;
        };
        let left = self.background.refunds.lock().remove(&queue);
        for _ in left.into_iter().flatten() {
            observe::not_refunded(
                self.store.kind(),
                &"the task that makes refunds was stopped",
            );
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background")
            .field("running", &*self.running.borrow())
            .finish_non_exhaustive()
    }
}

/// Counts an operation for as long as it exists.
#[must_use]
pub(crate) struct Running(Arc<Background>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
    }
}

/// An operation that its caller polls, and that continues in the background once the caller has
/// gone: if it is dropped after it has begun, or if its answer comes early. An operation that was
/// never polled has not begun.
#[must_use = "nothing is done before it is polled"]
pub(crate) struct DetachableOperation<T: Send + 'static> {
    running: Option<BoxFuture<'static, Result<T, Error>>>,
    caller: Arc<Caller>,
    /// The moment at which the caller stops waiting, if there is one.
    until: Option<Instant>,
    background: Arc<Background>,
    /// The kind of the store.
    kind: &'static str,
    /// The runtime that has polled it; `None` before it has begun.
    runtime: Option<Result<Handle, NoRuntime>>,
    refused: fn(StoreOutcome) -> T,
}

/// The operation is polled outside any runtime.
struct NoRuntime;

impl<T: Send + 'static> DetachableOperation<T> {
    /// An operation on a store of this kind, whose caller waits until a moment. `refused` makes an
    /// answer of a refusal.
    pub(crate) fn new(
        running: BoxFuture<'static, Result<T, Error>>,
        caller: Arc<Caller>,
        until: Option<Instant>,
        (background, kind): (Arc<Background>, &'static str),
        refused: fn(StoreOutcome) -> T,
    ) -> Self {
        Self {
            running: Some(running),
            caller,
            until,
            background,
            kind,
            runtime: None,
            refused,
        }
    }

    /// Continues in the background, where the answer is dropped and what it holds is refunded.
    fn detach(&mut self) {
        let (Some(running), Some(runtime)) = (self.running.take(), self.runtime.take()) else {
            return;
        };
        self.caller.leave();
        match runtime {
            Ok(runtime) => self
                .background
                .spawn(&runtime, async move { drop(running.await) }),
            Err(NoRuntime) => observe::not_refunded(self.kind, &"no runtime is left"),
        }
    }
}

impl<T: Send + 'static> Future for DetachableOperation<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(running) = &mut this.running else {
            return Poll::Pending;
        };
        this.runtime
            .get_or_insert_with(|| Handle::try_current().map_err(|_| NoRuntime));
        if let Poll::Ready(answer) = running.as_mut().poll(context) {
            this.running = None;
            return Poll::Ready(answer);
        }
        let is_over = this.until.is_some_and(|until| Instant::now() >= until);
        let answer = match this.caller.early_answer(is_over) {
            None => return Poll::Pending,
            Some(EarlyAnswer {
                refusal: Some(refusal),
                ..
            }) => Ok((this.refused)(refusal)),
            Some(EarlyAnswer { timeout, .. }) => Err(Error::Timeout {
                after: timeout.unwrap_or_default(),
            }),
        };
        this.detach();
        Poll::Ready(answer)
    }
}

impl<T: Send + 'static> Drop for DetachableOperation<T> {
    fn drop(&mut self) {
        self.detach();
    }
}
