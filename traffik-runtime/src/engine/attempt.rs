//! The two operations of a batch on a backend, decide and look, as attempts of the recovery.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::backend_ref::BackendRef;
use crate::decision::Provenance;
use crate::engine::backend_hold::BackendHold;
use crate::engine::batch::Batch;
use crate::engine::hold::OutcomeWithHold;
use crate::engine::recovery::attempt::{Attempt, Members};
use crate::engine::snapshot::Snapshot;
use crate::error::Error;
use crate::store::handle::StoreHandle;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;

/// A decision on all plans of a batch.
pub(crate) struct DecideAttempt<'c, 'a, 'd> {
    pub(crate) batch: &'c Batch<'a, 'd>,
    pub(crate) backend: &'c BackendRef<'a>,
}

/// A look at the states of all plans of a batch.
pub(crate) struct LookAttempt<'c, 'a, 'd> {
    pub(crate) batch: &'c Batch<'a, 'd>,
    pub(crate) backend: &'c BackendRef<'a>,
}

impl DecideAttempt<'_, '_, '_> {
    async fn decide_on(
        &self,
        store: &Arc<StoreHandle>,
        plans: &[Plan<'_>],
        instances: u32,
        until: Option<Instant>,
    ) -> Result<OutcomeWithHold, Error> {
        let hold = BackendHold::new(self.batch, store.clone(), plans, instances);
        match store.decide_local(plans) {
            Some(outcome) => Ok(OutcomeWithHold::new(hold, outcome?)),
            None => OutcomeWithHold::decide(hold, until).await,
        }
    }
}

impl Attempt for DecideAttempt<'_, '_, '_> {
    type Output = OutcomeWithHold;

    fn members(&self) -> &impl Members {
        self.batch
    }

    fn backend(&self) -> &BackendRef<'_> {
        self.backend
    }

    async fn try_backend(&self, until: Option<Instant>) -> Result<OutcomeWithHold, Error> {
        self.decide_on(self.backend.store(), &self.batch.plans, 1, until)
            .await
    }

    async fn try_other(
        &self,
        other: &Arc<StoreHandle>,
        instances: u32,
        until: Option<Instant>,
    ) -> Result<OutcomeWithHold, Error> {
        let plans = self.batch.plans_on(other, instances)?;
        let mut decided = self.decide_on(other, &plans, instances, until).await?;
        decided.outcome.provenance = Provenance::Fallback;
        Ok(decided)
    }

    fn is_refusal(output: &OutcomeWithHold) -> bool {
        !output.outcome.admitted
    }

    fn retention(output: &OutcomeWithHold) -> Option<Duration> {
        let resets = output.outcome.limits.iter().map(|limit| limit.report.reset);
        resets.max().filter(|_| output.outcome.admitted)
    }

    fn refused_by(&self, fallback: &Arc<StoreHandle>) -> Option<OutcomeWithHold> {
        let plans = self.batch.plans_on(fallback, 1).ok()?;
        let (now, states) = fallback.read_local(&plans)?.ok()?;
        let mut each = plans.iter().zip(&states);
        let fits = each.all(|(plan, state)| plan.evaluate(state, now).is_some());
        (!fits).then(|| by_fallback(StoreOutcome::refused(&plans, states.iter(), now)).into())
    }

    fn mirror(
        &self,
        output: &mut OutcomeWithHold,
        fallback: &Arc<StoreHandle>,
    ) -> Option<OutcomeWithHold> {
        let plans = self.batch.plans_on(fallback, 1).ok()?;
        let outcome = fallback.decide_local(&plans)?.ok()?;
        if !outcome.admitted {
            return Some(by_fallback(outcome).into());
        }
        output.outcome.limit_to(&outcome);
        let hold = BackendHold::new(self.batch, fallback.clone(), &plans, 1);
        output.hold.join(OutcomeWithHold::new(hold, outcome).hold);
        None
    }
}

/// Marks the outcome of a fallback.
fn by_fallback(outcome: StoreOutcome) -> StoreOutcome {
    StoreOutcome {
        provenance: Provenance::Fallback,
        ..outcome
    }
}

impl<'a> Attempt for LookAttempt<'_, 'a, '_> {
    type Output = Snapshot<'a>;

    fn members(&self) -> &impl Members {
        self.batch
    }

    fn backend(&self) -> &BackendRef<'_> {
        self.backend
    }

    async fn try_backend(&self, _: Option<Instant>) -> Result<Snapshot<'a>, Error> {
        let (now, states) = self.backend.store().read(&self.batch.plans).await?;
        Ok(Snapshot {
            now,
            states,
            plans: None,
        })
    }

    async fn try_other(
        &self,
        other: &Arc<StoreHandle>,
        instances: u32,
        _: Option<Instant>,
    ) -> Result<Snapshot<'a>, Error> {
        let plans = self.batch.plans_on(other, instances)?;
        let (now, states) = other.read(&plans).await?;
        Ok(Snapshot {
            now,
            states,
            plans: Some(plans),
        })
    }

    fn is_refusal(_: &Snapshot<'a>) -> bool {
        false
    }

    fn retention(_: &Snapshot<'a>) -> Option<Duration> {
        None
    }

    fn refused_by(&self, _: &Arc<StoreHandle>) -> Option<Snapshot<'a>> {
        None
    }

    /// Replaces states by those of the fallback that leave less room.
    fn mirror(
        &self,
        output: &mut Snapshot<'a>,
        fallback: &Arc<StoreHandle>,
    ) -> Option<Snapshot<'a>> {
        let plans = self.batch.plans_on(fallback, 1).ok()?;
        let (_, states) = fallback.read_local(&plans)?.ok()?;
        for ((plan, own), other) in plans.iter().zip(&mut output.states).zip(states) {
            if plan.room(&other, output.now) < plan.room(own, output.now) {
                *own = other;
            }
        }
        None
    }
}
