//! What a case asks of a backend, as what stands between them sees it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::backend_ref::BackendRef;
use crate::engine::batch::{Case, Seen};
use crate::engine::hold::{Account, Hold};
use crate::engine::recovery::{Attempt, Members};
use crate::error::Error;
use crate::on_error::verdict::Failure;
use crate::store::handle::StoreHandle;
use crate::store::outcome::StoreOutcome;

/// To take the costs.
pub(crate) struct Take<'c, 'a> {
    pub(crate) case: &'c Case<'a>,
    pub(crate) backend: &'c BackendRef<'a>,
}

/// To see how things stand.
pub(crate) struct Look<'c, 'a> {
    pub(crate) case: &'c Case<'a>,
    pub(crate) backend: &'c BackendRef<'a>,
}

impl Attempt for Take<'_, '_> {
    type Said = Hold;

    fn members(&self) -> &impl Members {
        self.case
    }

    fn backend(&self) -> &BackendRef<'_> {
        self.backend
    }

    async fn ask(&self, until: Option<Instant>) -> Result<Hold, Error> {
        let store = self.backend.store();
        let account = Account::new(self.case, store.clone(), &self.case.plans, 1);
        match store.decide_local(&self.case.plans) {
            Some(decided) => Ok(account.hold(decided?)),
            None => account.decide(until).await,
        }
    }

    async fn ask_other(
        &self,
        other: &Arc<StoreHandle>,
        instances: u32,
        until: Option<Instant>,
    ) -> Result<Hold, Error> {
        let plans = self.case.plans_on(other, instances)?;
        let account = Account::new(self.case, other.clone(), &plans, instances);
        match other.decide_local(&plans) {
            Some(decided) => Ok(account.hold(decided?)),
            None => account.decide(until).await,
        }
    }

    fn is_refusal(said: &Hold) -> bool {
        !said.outcome.admitted
    }

    fn matters(said: &Hold) -> Option<Duration> {
        let resets = said.outcome.limits.iter().map(|told| told.report.reset);
        resets.max().filter(|_| said.outcome.admitted)
    }

    fn held_by(&self, other: &Arc<StoreHandle>) -> Option<Hold> {
        let plans = self.case.plans_on(other, 1).ok()?;
        let (now, states) = other.read_local(&plans)?.ok()?;
        let mut each = plans.iter().zip(&states);
        let fits = each.all(|(plan, state)| plan.evaluate(state, now).is_some());
        (!fits).then(|| StoreOutcome::refused(&plans, states.iter(), now).into())
    }

    fn take_too(&self, said: &mut Hold, other: &Arc<StoreHandle>) -> Option<Hold> {
        let plans = self.case.plans_on(other, 1).ok()?;
        let outcome = other.decide_local(&plans)?.ok()?;
        if !outcome.admitted {
            return Some(outcome.into());
        }
        said.outcome.limit_to(&outcome);
        let account = Account::new(self.case, other.clone(), &plans, 1);
        said.held.join(account.hold(outcome).held);
        None
    }
}

impl<'a> Attempt for Look<'_, 'a> {
    type Said = Seen<'a>;

    fn members(&self) -> &impl Members {
        self.case
    }

    fn backend(&self) -> &BackendRef<'_> {
        self.backend
    }

    async fn ask(&self, _: Option<Instant>) -> Result<Seen<'a>, Error> {
        let (now, states) = self.backend.store().read(&self.case.plans).await?;
        Ok(Seen {
            now,
            states,
            plans: None,
        })
    }

    async fn ask_other(
        &self,
        other: &Arc<StoreHandle>,
        instances: u32,
        _: Option<Instant>,
    ) -> Result<Seen<'a>, Error> {
        let plans = self.case.plans_on(other, instances)?;
        let (now, states) = other.read(&plans).await?;
        Ok(Seen {
            now,
            states,
            plans: Some(plans),
        })
    }

    fn is_refusal(_: &Seen<'a>) -> bool {
        false
    }

    fn matters(_: &Seen<'a>) -> Option<Duration> {
        None
    }

    fn held_by(&self, _: &Arc<StoreHandle>) -> Option<Seen<'a>> {
        None
    }

    /// Puts the states of the other backend in place of those that leave more.
    fn take_too(&self, said: &mut Seen<'a>, other: &Arc<StoreHandle>) -> Option<Seen<'a>> {
        let plans = self.case.plans_on(other, 1).ok()?;
        let (_, states) = other.read_local(&plans)?.ok()?;
        for ((plan, own), others) in plans.iter().zip(&mut said.states).zip(states) {
            if plan.room(&others, said.now) < plan.room(own, said.now) {
                *own = others;
            }
        }
        None
    }
}

impl Members for Case<'_> {
    fn failure<'f>(
        &'f self,
        member: usize,
        error: &'f Error,
        backend: &'static str,
    ) -> Failure<'f> {
        let asked = self.asker(member);
        Failure {
            error,
            uid: asked.definition.uid(),
            rate: asked.first_rate(),
            cost: asked.cost,
            backend,
            parts: self.parts,
        }
    }

    fn uid(&self, member: usize) -> &str {
        self.asker(member).definition.uid()
    }

    fn label(&self, member: usize) -> &str {
        self.asker(member).definition.label()
    }

    fn least_wait(&self, member: usize) -> Duration {
        self.asker(member).definition.settings.min_policy_wait()
    }
}
