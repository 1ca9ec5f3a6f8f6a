//! What a case asks of a backend, as what stands between them sees it.

use std::time::Duration;

use super::case::{Case, Seen, decided, read};
use crate::backend::outcome::{Elsewhere, Outcome};
use crate::backend::{Backend, Chosen};
use crate::error::Error;
use crate::failure::{Attempt, Failure, Members};

/// To take the costs.
pub(super) struct Take<'c, 'a> {
    pub(super) case: &'c Case<'a>,
    pub(super) backend: &'c Chosen<'a>,
}

/// To see how things stand.
pub(super) struct Look<'c, 'a> {
    pub(super) case: &'c Case<'a>,
    pub(super) backend: &'c Chosen<'a>,
}

impl Attempt for Take<'_, '_> {
    type Said = Outcome;

    fn members(&self) -> &impl Members {
        self.case
    }

    fn backend(&self) -> &Chosen<'_> {
        self.backend
    }

    async fn ask(&self) -> Result<Outcome, Error> {
        decided(self.backend, &self.case.plans).await
    }

    async fn ask_other(&self, other: &Backend, instances: u32) -> Result<Outcome, Error> {
        let chosen = other.choose();
        let plans = self.case.plans_on(&chosen, instances)?;
        let outcome = decided(&chosen, &plans).await?;
        let elsewhere = (0..plans.len()).map(|plan| Elsewhere {
            plan,
            backend: other.clone(),
            instances,
        });
        Ok(Outcome {
            elsewhere: elsewhere.collect(),
            ..outcome
        })
    }

    fn is_refusal(said: &Outcome) -> bool {
        !said.admitted
    }

    fn matters(said: &Outcome) -> Option<Duration> {
        let resets = said.told.iter().map(|told| told.report.reset);
        resets.max().filter(|_| said.admitted)
    }

    fn held_by(&self, other: &Backend) -> Option<Outcome> {
        let other = other.choose();
        let plans = self.case.plans_on(&other, 1).ok()?;
        let now = other.now();
        let states = other.store().read_now(&plans, now)?;
        let mut each = plans.iter().zip(&states);
        let fits = each.all(|(plan, state)| plan.steps(state, now).is_some());
        (!fits).then(|| Outcome::refused(&plans, states.iter(), now))
    }

    fn take_too(&self, other: &Backend) -> Option<Outcome> {
        let other = other.choose();
        let plans = self.case.plans_on(&other, 1).ok()?;
        let outcome = other.store().decide_now(&plans, other.now())?;
        (!outcome.admitted).then_some(outcome)
    }
}

impl<'a> Attempt for Look<'_, 'a> {
    type Said = Seen<'a>;

    fn members(&self) -> &impl Members {
        self.case
    }

    fn backend(&self) -> &Chosen<'_> {
        self.backend
    }

    async fn ask(&self) -> Result<Seen<'a>, Error> {
        let (now, states) = read(self.backend, &self.case.plans).await?;
        Ok(Seen {
            now,
            states,
            plans: None,
        })
    }

    async fn ask_other(&self, other: &Backend, instances: u32) -> Result<Seen<'a>, Error> {
        let other = other.choose();
        let plans = self.case.plans_on(&other, instances)?;
        let (now, states) = read(&other, &plans).await?;
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

    fn held_by(&self, _: &Backend) -> Option<Seen<'a>> {
        None
    }

    fn take_too(&self, _: &Backend) -> Option<Seen<'a>> {
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
            uid: &asked.definition.uid,
            rate: asked.first_rate(),
            cost: asked.cost,
            backend,
            parts: self.parts,
        }
    }

    fn uid(&self, member: usize) -> &str {
        &self.asker(member).definition.uid
    }

    fn least_wait(&self, member: usize) -> Duration {
        self.asker(member).definition.least_wait()
    }
}
