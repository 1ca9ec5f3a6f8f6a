//! The caller of a store operation, as the operation sees it.

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::Error;
use crate::store::outcome::StoreOutcome;
use crate::timer;

/// The time for which an answer is awaited after the caller has gone. It is longer than any
/// sensible deadline of a decision, so that late answers of a slow server still count.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The caller of an operation.
///
/// It may go away before the operation has ended, because its future was dropped or its time is
/// over. The operation then continues in the background, and refunds what it counts.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    gone: AtomicBool,
    early: Mutex<EarlyAnswer>,
}

/// An answer that is certain before the operation has ended.
#[derive(Debug, Default)]
pub(crate) struct EarlyAnswer {
    /// The time within which the store did not answer.
    pub(crate) timeout: Option<Duration>,
    /// A refusal, which stands while refunds are still being made.
    pub(crate) refusal: Option<StoreOutcome>,
}

impl Caller {
    /// The caller of an operation that runs in the background from the start.
    pub(crate) fn gone() -> Self {
        Self {
            gone: AtomicBool::new(true),
            ..Self::default()
        }
    }

    /// Returns `true` if nobody waits for the answer.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Records that nobody waits for the answer.
    pub(crate) fn leave(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Answers the caller with a timeout, because the store did not answer within this time. The
    /// operation continues.
    #[cfg(any(feature = "memcached", feature = "redis"))]
    pub(crate) fn time_out(&self, after: Duration) {
        self.early.lock().timeout = Some(after);
    }

    /// Records that the answer is a refusal, so that slow refunds do not turn it into a timeout.
    pub(crate) fn refuse(&self, refusal: &StoreOutcome) {
        if !self.is_gone() {
            self.early.lock().refusal = Some(refusal.clone());
        }
    }

    /// Takes the early answer: a timeout at once, a refusal if the caller's time is over.
    pub(crate) fn early_answer(&self, is_over: bool) -> Option<EarlyAnswer> {
        let mut early = self.early.lock();
        let is_over = early.timeout.is_some() || (is_over && early.refusal.is_some());
        is_over.then(|| mem::take(&mut *early))
    }

    /// Awaits a store's answer for as long as the caller does, and for [`PATIENCE`] once it has
    /// gone.
    ///
    /// # Errors
    ///
    /// The store's, or [`Error::Timeout`] if there was no answer.
    pub(crate) async fn answer<T>(
        &self,
        mut answer: Pin<&mut impl Future<Output = Result<T, Error>>>,
    ) -> Result<T, Error> {
        let mut patience = None;
        let timeout = || Error::Timeout { after: PATIENCE };
        // The background polls every operation that it takes over, so this notices the caller's
        // leave.
        let answered = poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            if !self.is_gone() {
                return Poll::Pending;
            }
            let patience = patience.get_or_insert_with(|| Box::pin(timer::sleep(PATIENCE)));
            patience.as_mut().poll(context).map(|_| Err(timeout()))
        });
        answered.await
    }
}
