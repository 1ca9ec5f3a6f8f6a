//! Decides one plan: windows by Memcached's own counters, in one exchange, and all other laws by
//! compare-and-swap.

use std::time::Duration;

use crate::error::Error;
use crate::store::cas::{CasCell, PerPlan, catch_up_cell, decide_cell, now, settle_cell, state_of};
use crate::store::cas_retry::Retries;
use crate::store::memcached::byte_store::Snapshot;
use crate::store::memcached::meta_protocol::request::Lifetime;
use crate::store::memcached::operation::Operation;
use crate::store::memcached::ttl::at_least;
use crate::store::memcached::windows::Windows;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::settlement::{Adjustment, Settlement};
use crate::strategy::kernel::state::State;
use crate::strategy::kernel::tick::EXACT;

impl PerPlan for Operation<'_> {
    const KIND: &'static str = "memcached";

    async fn decide_plan(
        &self,
        plan: &Plan<'_>,
        at: Option<u64>,
        refused: impl Fn(&StoreOutcome) + Send,
    ) -> Result<StoreOutcome, Error> {
        match Windows::of(plan, at.unwrap_or_else(now)) {
            Some(windows) => windows.decide(self, at, refused).await,
            None => {
                let _lock = self.lock(&plan.name).await?;
                decide_cell(self, plan, at).await
            }
        }
    }

    async fn settle_plan(&self, settlement: &Settlement<'_>, at: Option<u64>) -> Result<(), Error> {
        // A settlement has a time limit of its own: that of the decision may be over.
        let operation = &self.restarted();
        let now = at.unwrap_or_else(now);
        let (adjustment, rates) = (settlement.adjustment, &settlement.rates);
        let cost = match adjustment {
            Adjustment::Refund(refund) => refund.cost,
            Adjustment::Charge(cost) => cost.min(EXACT),
        };
        let plan = &Plan {
            cost,
            ..settlement.plan.clone()
        };
        // A refund is subtracted where the hit was counted, whichever rates are in force now.
        let windows = match adjustment {
            Adjustment::Refund(refund) => Windows::of_rates(plan, rates, refund.at),
            Adjustment::Charge(_) => Windows::of(plan, now),
        };
        match (windows, adjustment) {
            (Some(windows), Adjustment::Refund(_)) => {
                let counted = (&**rates, &*settlement.incarnations);
                Ok(windows.refund(operation, counted, now).await?)
            }
            (Some(windows), Adjustment::Charge(_)) => windows.charge(operation, at).await,
            (None, _) => {
                let _lock = operation.lock(&plan.name).await?;
                settle_cell(operation, settlement, at).await
            }
        }
    }

    async fn read_plan(&self, plan: &Plan<'_>, now: u64) -> Result<State, Error> {
        match Windows::of(plan, now) {
            Some(windows) => Ok(windows.read(self).await?),
            None => {
                let snapshot = CasCell::read(self, &plan.name).await?;
                Ok(state_of::<Self>(plan, &snapshot, now))
            }
        }
    }

    async fn catch_up(&self, plan: &Plan<'_>, at: Option<u64>) -> Result<(), Error> {
        if Windows::of(plan, at.unwrap_or_else(now)).is_some() {
            // The key of a window ends with it, and no window is ahead of the clock.
            return Ok(());
        }
        let _lock = self.lock(&plan.name).await?;
        catch_up_cell(self, plan, at).await
    }
}

impl CasCell for Operation<'_> {
    type Snapshot = Snapshot;

    async fn read(&self, name: &str) -> Result<Snapshot, Error> {
        Ok(Operation::read(self, name).await?)
    }

    fn bytes(snapshot: &Snapshot) -> Option<&[u8]> {
        snapshot.value.as_deref()
    }

    async fn write_if_unchanged(
        &self,
        name: &str,
        snapshot: &Snapshot,
        new: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        // A law ignores a state that has ended; the server only has to drop it at some time.
        let lifetime = ttl.map(|ttl| Lifetime {
            seconds: at_least(ttl),
            flags: 0,
        });
        Ok(self.replace(name, snapshot, new, lifetime).await?)
    }

    fn retries<'k>(&self, name: &'k str) -> Retries<'k> {
        Operation::retries(self, name)
    }
}
