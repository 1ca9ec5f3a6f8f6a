//! Operations on a store that outlive their callers.

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

use crate::backend::Backend;
use crate::error::Error;
use crate::store::caller::{Caller, Early};
use crate::store::erased::Answer;
use crate::store::outcome::Outcome;
use crate::store::settlement::Settling;
use crate::{observe, timer};

/// The number of refunds of one key that are made at once.
const BATCH: usize = 64;

/// The tasks of a backend that are under way in the background.
pub(crate) struct Background {
    running: watch::Sender<usize>,
    refunds: Mutex<HashMap<Place, Vec<Box<dyn Refund>>>>,
}

/// A key in the store, and the runtime on which its refunds are made.
type Place = (runtime::Id, String);

/// A hit whose units are given back.
pub(crate) trait Refund: Send + Sync {
    /// The change to its state, if there is one.
    fn settling(&self) -> Option<Settling<'_>>;
}

impl Background {
    pub(crate) fn new() -> Self {
        Self {
            running: watch::Sender::new(0),
            refunds: Mutex::default(),
        }
    }

    /// Makes a refund in the background. Refunds of one key are made by one task, many at a time: a store that can only
    /// compare and swap would else be busy with refunds that overtake each other.
    pub(crate) fn refund(
        self: &Arc<Self>,
        runtime: &Handle,
        backend: &Backend,
        key: &str,
        refund: Box<dyn Refund>,
    ) {
        let place = (runtime.id(), key.to_owned());
        let mut refunds = self.refunds.lock();
        if let Some(waiting) = refunds.get_mut(&place) {
            return waiting.push(refund);
        }
        refunds.insert(place.clone(), vec![refund]);
        drop(refunds);
        let worker = Worker {
            background: self.clone(),
            place: Some(place),
            kind: backend.kind(),
        };
        self.spawn(runtime, worker.run(backend.clone()));
    }

    /// Runs a task in the background. It is counted until it has ended, or its runtime has.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        runtime: &Handle,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.running.send_modify(|running| *running += 1);
        let running = Running(self.clone());
        runtime.spawn(async move {
            task.await;
            drop(running);
        });
    }

    /// Waits until nothing is under way, for this time at most.
    pub(crate) async fn idle(&self, within: Duration) {
        let mut running = self.running.subscribe();
        let idle = running.wait_for(|running| *running == 0);
        let _ = timer::within(within, idle).await;
    }
}

/// Makes the refunds of one key.
struct Worker {
    background: Arc<Background>,
    /// Nothing once all are made.
    place: Option<Place>,
    kind: &'static str,
}

impl Worker {
    async fn run(mut self, backend: Backend) {
        while let Some(batch) = self.next() {
            let settling: Vec<_> = batch.iter().filter_map(|it| it.settling()).collect();
            let inner = backend.inner();
            let caller = Caller::gone();
            let settled = inner
                .store()
                .settle(&settling, inner.own_time(), &caller)
                .await;
            if let Err(error) = settled {
                for _ in &settling {
                    observe::not_refunded(self.kind, &error);
                }
            }
        }
    }

    fn next(&mut self) -> Option<Vec<Box<dyn Refund>>> {
        let mut refunds = self.background.refunds.lock();
        let waiting = refunds.get_mut(self.place.as_ref()?)?;
        if waiting.is_empty() {
            refunds.remove(&self.place.take()?);
            return None;
        }
        let batch = waiting.len().min(BATCH);
        Some(waiting.drain(..batch).collect())
    }
}

impl Drop for Worker {
    /// Leaves the place to another worker, if the runtime or a strategy has stopped this one.
    fn drop(&mut self) {
        let Some(place) = self.place.take() else {
            return;
        };
        let left = self.background.refunds.lock().remove(&place);
        for _ in left.into_iter().flatten() {
            observe::not_refunded(self.kind, &"the task that makes refunds was stopped");
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

/// Counts a task for as long as it exists.
struct Running(Arc<Background>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
    }
}

/// An operation that its caller polls itself, and that goes on in the background once the caller has gone: when it is
/// dropped after it has begun, or its answer comes early. One that was never polled has not begun.
#[must_use = "nothing is done before it is polled"]
pub(crate) struct Operation<T: Send + 'static> {
    running: Option<Answer<'static, T>>,
    caller: Arc<Caller>,
    /// The moment at which the caller stops waiting, if there is one.
    until: Option<Instant>,
    background: Arc<Background>,
    backend: &'static str,
    /// The runtime that has polled it; nothing before it has begun.
    runtime: Option<Result<Handle, NoRuntime>>,
    refused: fn(Outcome) -> T,
}

struct NoRuntime;

impl<T: Send + 'static> Operation<T> {
    /// An operation on a backend of this kind, whose caller waits until a moment. `refused` makes an answer of a refusal.
    pub(crate) fn new(
        running: Answer<'static, T>,
        caller: Arc<Caller>,
        until: Option<Instant>,
        (background, backend): (Arc<Background>, &'static str),
        refused: fn(Outcome) -> T,
    ) -> Self {
        Self {
            running: Some(running),
            caller,
            until,
            background,
            backend,
            runtime: None,
            refused,
        }
    }

    /// Goes on in the background, where the answer is dropped: what it holds is then refunded.
    fn go_on(&mut self) {
        let (Some(running), Some(runtime)) = (self.running.take(), self.runtime.take()) else {
            return;
        };
        self.caller.leave();
        match runtime {
            Ok(runtime) => self
                .background
                .spawn(&runtime, async move { drop(running.await) }),
            Err(NoRuntime) => observe::not_refunded(self.backend, &"no runtime is left"),
        }
    }
}

impl<T: Send + 'static> Future for Operation<T> {
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
            Some(Early {
                refusal: Some(refusal),
                ..
            }) => Ok((this.refused)(refusal)),
            Some(Early { late, .. }) => Err(Error::Timeout {
                after: late.unwrap_or_default(),
            }),
        };
        this.go_on();
        Poll::Ready(answer)
    }
}

impl<T: Send + 'static> Drop for Operation<T> {
    fn drop(&mut self) {
        self.go_on();
    }
}
