//! The hold on what one backend has counted for a hit.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use tokio::runtime::Handle;

use crate::decision::Provenance;
use crate::engine::batch::Batch;
use crate::engine::plan_hold::{PlanHold, PlanRefund};
use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::store::caller::Caller;
use crate::store::handle::StoreHandle;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::settlement::Settlement;
use crate::{observe, timer};

/// The plans that one backend has counted. It owns all that it takes to settle them later.
pub(crate) struct BackendHold {
    store: Arc<StoreHandle>,
    plans: SmallVec<[PlanHold; 1]>,
    /// The time that a settlement is awaited.
    budget: Duration,
}

impl BackendHold {
    /// Prepares the hold of a batch's plans on a backend, before anything is counted.
    pub(crate) fn new(
        batch: &Batch<'_, '_>,
        store: Arc<StoreHandle>,
        plans: &[Plan<'_>],
        instances: u32,
    ) -> Self {
        let plans = plans.iter().enumerate();
        let plans = plans.map(|(index, plan)| PlanHold::new(batch.hit(index), plan, instances));
        Self {
            plans: plans.collect(),
            store,
            budget: batch.budget(),
        }
    }

    /// Returns the kind of the backend.
    pub(crate) fn kind(&self) -> &'static str {
        self.store.kind()
    }

    /// Decides the plans in the store. The operation goes on in the background if its caller goes
    /// away, and refunds what the store has counted then.
    pub(crate) async fn decide(self, caller: &Caller) -> Result<(Self, StoreOutcome), Error> {
        let outcome = {
            let plans: InlineVec4<Plan<'_>> = self.plans.iter().map(PlanHold::plan).collect();
            let sent = self.store.begin();
            let mut decided = self.store.decide_and_lease(&plans, &sent, caller).await;
            self.store.end(&plans, &mut decided, &sent);
            decided?
        };
        let outcome = StoreOutcome {
            provenance: Provenance::Store,
            ..outcome
        };
        Ok((self, outcome))
    }

    /// Returns the store.
    pub(crate) const fn store(&self) -> &Arc<StoreHandle> {
        &self.store
    }

    /// Keeps the plans that an outcome has counted; `None` if it has counted none.
    pub(crate) fn counted(mut self, outcome: &StoreOutcome) -> Option<Self> {
        let mut indices = 0..;
        self.plans.retain(|plan| {
            let index = indices.next().unwrap_or_default();
            let limits = outcome.limits.iter().filter(|limit| limit.plan == index);
            let mut limits = limits.peekable();
            plan.set_counted(outcome.counted_at(index), outcome.incarnations(index));
            // A throttle in shadow may not have admitted the hit.
            outcome.admitted && limits.peek().is_some() && limits.all(|limit| limit.fits)
        });
        (!self.plans.is_empty()).then_some(self)
    }

    fn settlements(&self, used: u64) -> SmallVec<[Settlement<'_>; 1]> {
        let settlements = self.plans.iter().filter_map(|plan| plan.settlement(used));
        settlements.collect()
    }

    /// Settles the plans if the store is in this process. Returns `None` if it has to be awaited.
    pub(crate) fn settle_local(&self, used: u64) -> Option<Result<(), Error>> {
        let settlements = self.settlements(used);
        if settlements.is_empty() {
            return Some(Ok(()));
        }
        self.store.settle_local(&settlements)
    }

    /// Settles the plans now, or in the background.
    pub(crate) fn settle_in_background(self, used: u64) {
        let kind = self.store.kind();
        if let Some(settled) = self.settle_local(used) {
            if let Err(error) = settled {
                for _ in self.settlements(used) {
                    observe::not_refunded(kind, &error);
                }
            }
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return observe::not_refunded(kind, &"no runtime is left");
        };
        if self.store.subtracts() {
            let background = self.store.background().clone();
            return background.spawn(&runtime, async move {
                // The operation reports a failure itself.
                let _ = self.settle_in_store(used, &Caller::gone()).await;
            });
        }
        for plan in self.plans {
            let name = plan.name().to_owned();
            let refund = Box::new(PlanRefund { plan, used });
            self.store.refund_in_background(&runtime, &name, refund);
        }
    }

    /// Settles the plans, and waits for as long as a decision may take. The settlement goes on for
    /// as long as it needs.
    pub(crate) async fn settle(self, used: u64) -> Result<(), Error> {
        let after = self.budget;
        let caller = Arc::new(Caller::default());
        let (store, own) = (self.store.clone(), caller.clone());
        let settled = async move { self.settle_in_store(used, &own).await };
        let operation = store.operation(Box::pin(settled), caller, None, drop);
        let settled = timer::within(after, operation).await;
        settled.unwrap_or(Err(Error::Timeout { after }))
    }

    async fn settle_in_store(&self, used: u64, caller: &Caller) -> Result<(), Error> {
        let settlements = self.settlements(used);
        let settled = self.store.settle(&settlements, caller).await;
        let keys = settlements.iter().map(|settlement| settlement.plan.key);
        self.store.local_refusals().forget(keys);
        if let (Err(error), true) = (&settled, caller.is_gone()) {
            observe::not_refunded(self.store.kind(), error);
        }
        settled
    }
}
