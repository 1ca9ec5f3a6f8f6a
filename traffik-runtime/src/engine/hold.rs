//! The hold on what a decision has counted, until it is settled (L32).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::{mem, panic, thread};

use smallvec::SmallVec;
use tokio::time::Instant;

use crate::engine::backend_hold::BackendHold;
use crate::engine::batch::Batch;
use crate::engine::recovery::resolution::Resolution;
use crate::error::Error;
use crate::observe;
use crate::store::background::DetachableOperation;
use crate::store::caller::Caller;
use crate::store::outcome::StoreOutcome;

/// The hold on what a hit has counted, backend by backend.
///
/// Dropping an unsettled hold refunds it: synchronously in memory, in a spawned task otherwise.
/// Dropping it while it is being settled settles the rest in the same way.
#[derive(Default)]
pub(crate) struct Hold {
    backends: SmallVec<[BackendHold; 1]>,
    used: u64,
}

impl Hold {
    /// Creates the hold of a batch that one backend of this process has decided.
    pub(crate) fn of(batch: &Batch<'_, '_>, resolution: &Resolution<StoreOutcome>) -> Self {
        match (resolution, batch.first_backend()) {
            (Resolution::Decided(outcome), Some(backend)) => {
                let hold = BackendHold::new(batch, backend.store().clone(), &batch.plans, 1);
                Self::from_backend(hold.counted(outcome))
            }
            _ => Self::default(),
        }
    }

    fn from_backend(backend: Option<BackendHold>) -> Self {
        Self {
            backends: backend.into_iter().collect(),
            used: 0,
        }
    }

    /// Adds the hold of another hit.
    pub(crate) fn join(&mut self, mut other: Self) {
        self.backends.append(&mut other.backends);
    }

    /// Refunds everything.
    ///
    /// # Errors
    ///
    /// The error of a backend. The others have been refunded all the same.
    pub(crate) async fn cancel(self) -> Result<(), Error> {
        self.settle(0).await
    }

    /// Settles each plan with the units that were used: refunds what is left of its cost, or
    /// charges what exceeds it.
    ///
    /// # Errors
    ///
    /// The error of a backend. The others have been settled all the same.
    pub(crate) async fn settle(mut self, used: u64) -> Result<(), Error> {
        self.used = used;
        let mut all = Ok(());
        while let Some(backend) = self.backends.pop() {
            let settled = match backend.settle_local(used) {
                Some(settled) => settled,
                None => backend.settle(used).await,
            };
            all = settled.and(all);
        }
        all
    }

    /// Leaves everything counted.
    pub(crate) fn keep(mut self) {
        self.backends.clear();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        for backend in mem::take(&mut self.backends) {
            let kind = backend.kind();
            let settle = || backend.settle_in_background(self.used);
            // A strategy that panics while another panic unwinds would abort the process.
            if !thread::panicking() {
                settle();
            } else if panic::catch_unwind(AssertUnwindSafe(settle)).is_err() {
                observe::not_refunded(kind, &"its strategy panicked");
            }
        }
    }
}

/// The outcome of a decision, and the hold on what it has counted.
pub(crate) struct OutcomeWithHold {
    pub(crate) outcome: StoreOutcome,
    pub(crate) hold: Hold,
}

impl From<StoreOutcome> for OutcomeWithHold {
    /// Creates the outcome of a refusal, or of a hit that nothing counts.
    fn from(outcome: StoreOutcome) -> Self {
        Self {
            outcome,
            hold: Hold::default(),
        }
    }
}

impl OutcomeWithHold {
    /// Joins a store's outcome with the hold that was made for its backend.
    pub(crate) fn new(backend: BackendHold, outcome: StoreOutcome) -> Self {
        Self {
            hold: Hold::from_backend(backend.counted(&outcome)),
            outcome,
        }
    }

    /// Decides the plans of a backend's hold in the store, for a caller that waits until `until`.
    /// If the caller goes away before, what the store has counted then is refunded.
    pub(crate) fn decide(
        backend: BackendHold,
        until: Option<Instant>,
    ) -> DetachableOperation<Self> {
        let caller = Arc::new(Caller::default());
        let (store, own) = (backend.store().clone(), caller.clone());
        let decided = async move {
            let (backend, outcome) = backend.decide(&own).await?;
            Ok(Self::new(backend, outcome))
        };
        store.operation(Box::pin(decided), caller, until, Self::from)
    }

    /// Replaces the index of each plan by its index in a larger batch.
    pub(crate) fn reindexed(self, indices: &[usize]) -> Self {
        Self {
            outcome: self.outcome.reindexed(indices),
            ..self
        }
    }
}
