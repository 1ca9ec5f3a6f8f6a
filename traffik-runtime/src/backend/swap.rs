//! How plans are decided where one key can be compared and swapped, and nothing more: stores of the user's own.

use std::sync::Arc;
use std::time::Duration;

use super::apply::apply;
use super::erased::{Answer, Primitives};
use super::give_back::give_back;
use super::outcome::{Outcome, Several};
use super::plan::Plan;
use super::retry::Retries;
use super::store::Decide;
use super::wire::{decode, encode};
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::strategy::State;
use crate::strategy::kernel::Taken;

/// A store of bytes.
#[derive(Debug)]
pub(crate) struct Swap {
    store: Arc<dyn Primitives>,
}

/// What was read of a plan: its bytes, and the state they are.
type Read = (Option<Vec<u8>>, State);

impl Swap {
    pub(crate) fn new(store: Arc<dyn Primitives>) -> Self {
        Self { store }
    }

    async fn state(&self, plan: &Plan<'_>) -> Result<Read, Error> {
        let bytes = self.store.get(&plan.name).await?;
        let state = bytes.as_deref().and_then(|bytes| decode(plan, bytes));
        Ok((bytes, state.unwrap_or_default()))
    }

    async fn states(&self, plans: &[Plan<'_>]) -> Result<Several<State>, Error> {
        let mut states = Several::new();
        for plan in plans {
            states.push(self.state(plan).await?.1);
        }
        Ok(states)
    }

    /// Decides one plan.
    async fn decide_one(&self, plan: &Plan<'_>, at: Option<u64>) -> Result<Outcome, Error> {
        let plans = std::slice::from_ref(plan);
        let mut retries = Retries::of(&plan.name);
        loop {
            let (bytes, state) = self.state(plan).await?;
            let now = at.unwrap_or_else(now);
            let (outcome, after) = apply(plans, &[state], now);
            if !outcome.admitted || plan.cost == 0 {
                return Ok(outcome);
            }
            let new = encode(plan, &after[0]);
            let swapped = self.store.compare_and_swap(
                &plan.name,
                bytes.as_deref(),
                Some(&new),
                Some(ttl(&outcome, at)),
            );
            if swapped.await? {
                return Ok(outcome);
            }
            retries.again().await?;
        }
    }

    /// Decides one plan after the other, and gives back what was taken if one is refused: between the two, others may be
    /// refused that would not have been, but never is more admitted.
    async fn decide_each(&self, plans: &[Plan<'_>], at: Option<u64>) -> Result<Outcome, Error> {
        let mut taken: Several<Outcome> = Several::new();
        for (place, plan) in plans.iter().enumerate() {
            match self.decide_one(plan, at).await {
                Ok(outcome) if outcome.admitted => taken.push(outcome.of_plan(place)),
                stopped => {
                    for (plan, outcome) in plans.iter().zip(&taken) {
                        let taken = Taken {
                            at: outcome.now,
                            cost: plan.cost,
                        };
                        give_back(&*self.store, plan, taken, at).await?;
                    }
                    let now = stopped?.now;
                    let states = self.states(plans).await?;
                    return Ok(Outcome::refused(plans, states.iter(), now));
                }
            }
        }
        let now = taken.iter().map(|outcome| outcome.now).max();
        let told = taken.into_iter().flat_map(|outcome| outcome.told);
        Ok(Outcome::admitted(now.unwrap_or_default(), told.collect()))
    }
}

impl Decide for Swap {
    fn decide<'a>(&'a self, plans: &'a [Plan<'a>], at: Option<u64>) -> Answer<'a, Outcome> {
        Box::pin(async move {
            match plans {
                [plan] => self.decide_one(plan, at).await,
                plans => self.decide_each(plans, at).await,
            }
        })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
    ) -> Answer<'a, (u64, Several<State>)> {
        Box::pin(async move {
            let states = self.states(plans).await?;
            Ok((at.unwrap_or_else(now), states))
        })
    }

    fn give_back<'a>(
        &'a self,
        plan: &'a Plan<'a>,
        taken: Taken,
        at: Option<u64>,
    ) -> Answer<'a, ()> {
        Box::pin(give_back(&*self.store, plan, taken, at))
    }
}

fn now() -> u64 {
    SystemClock::new().now_micros()
}

/// How long what was decided matters; a time that was brought along may stand still while the store's goes on.
fn ttl(outcome: &Outcome, at: Option<u64>) -> Duration {
    let resets = outcome.told.iter().map(|told| told.report.reset);
    let longest = resets
        .max()
        .unwrap_or_default()
        .max(Duration::from_millis(1));
    longest + at.map_or(Duration::ZERO, |_| Duration::from_secs(86_400))
}
