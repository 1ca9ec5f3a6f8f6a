//! The caller of a store operation, as the operation sees it.

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::Error;
use crate::store::outcome::Outcome;
use crate::timer;

/// How long the answer to an operation is awaited after its caller has gone. Longer than any deadline of a decision that
/// makes sense, so that a slow server's answers are still heard.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The caller of an operation. It may go away before the operation has ended, because it was dropped or because its time
/// is over; the operation then goes on in the background, and refunds what it took.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    gone: AtomicBool,
    early: Mutex<Early>,
}

/// The parts of an answer that are known before the operation has ended.
#[derive(Debug, Default)]
pub(crate) struct Early {
    /// The time within which the store has not answered.
    pub(crate) late: Option<Duration>,
    /// A refusal, which stands while the refunds are still under way.
    pub(crate) refusal: Option<Outcome>,
}

impl Caller {
    /// A caller that has gone already: an operation of its own in the background.
    pub(crate) fn gone() -> Self {
        Self {
            gone: AtomicBool::new(true),
            ..Self::default()
        }
    }

    /// Whether nobody uses the answer any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    pub(crate) fn leave(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Lets the caller go with a timeout, because the store has not answered within this time. The operation goes on.
    #[cfg(any(feature = "memcached", feature = "redis"))]
    pub(crate) fn late(&self, after: Duration) {
        self.early.lock().late = Some(after);
    }

    /// Notes that the answer is a refusal, so that refunds that take long do not turn it into a timeout.
    pub(crate) fn refuse(&self, refusal: &Outcome) {
        if !self.is_gone() {
            self.early.lock().refusal = Some(refusal.clone());
        }
    }

    /// Takes the early answer if the caller must not wait any longer.
    pub(crate) fn early_answer(&self, is_over: bool) -> Option<Early> {
        let mut early = self.early.lock();
        let is_over = early.late.is_some() || (is_over && early.refusal.is_some());
        is_over.then(|| mem::take(&mut *early))
    }

    /// Awaits a store's answer: as long as the caller does, and for [`PATIENCE`] once it has gone.
    ///
    /// # Errors
    ///
    /// The store's, or [`Error::Timeout`] if there was no answer.
    pub(crate) async fn answer<T>(
        &self,
        mut answer: Pin<&mut impl Future<Output = Result<T, Error>>>,
    ) -> Result<T, Error> {
        let mut patience = None;
        let late = || Error::Timeout { after: PATIENCE };
        // The background polls whatever it takes over, so the caller's leave is noticed here.
        let heard = poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            if !self.is_gone() {
                return Poll::Pending;
            }
            let patience = patience.get_or_insert_with(|| Box::pin(timer::sleep(PATIENCE)));
            patience.as_mut().poll(context).map(|_| Err(late()))
        });
        heard.await
    }
}
