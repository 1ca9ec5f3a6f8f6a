//! What becomes of a reserve when it is known what it was for (L32).

use std::time::Duration;

use super::plan::{Plan, each_mut};
use crate::decision::Report;
use crate::strategy::State;
use crate::strategy::kernel::{Law, Taken};

/// What is done to what was taken, whatever the law says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// A part of it is given back.
    GiveBack(Taken),
    /// So much more is taken, even beyond the limit.
    Charge(u64),
}

/// A plan that was admitted, and what is done to it.
#[derive(Clone, Debug)]
pub(crate) struct Settling<'a> {
    pub(crate) plan: Plan<'a>,
    pub(crate) change: Change,
}

impl Change {
    /// Whether it makes nothing of no state.
    pub(crate) const fn gives_back(&self) -> bool {
        matches!(self, Self::GiveBack(_))
    }
}

impl<'a> Plan<'a> {
    /// All of it given back, as it was counted at a moment.
    pub(crate) fn given_back(&self, at: u64) -> Settling<'a> {
        Settling {
            plan: self.clone(),
            change: Change::GiveBack(Taken {
                at,
                cost: self.cost,
            }),
        }
    }
}

impl Settling<'_> {
    /// Does it to a state.
    pub(crate) fn apply(&self, state: &mut State, now: u64) {
        let Self { plan, change } = self;
        match change {
            Change::GiveBack(taken) if plan.is_custom() => self.give_back_own(*taken, state, now),
            Change::GiveBack(taken) => taken.give_back(state, now),
            Change::Charge(cost) => {
                plan.align(state);
                for (term, state) in plan.terms.iter().zip(each_mut(state)) {
                    match &term.law {
                        // A law of the user's own knows no more than to admit.
                        Law::Custom => {
                            let hit = plan.hit(term, now, *cost);
                            if let Some(after) = plan.strategy.decide(state.bytes(), &hit) {
                                *state = State::Bytes(Some(after));
                            }
                        }
                        law => law.charge(state, now, *cost),
                    }
                }
            }
        }
    }

    /// How long the state matters afterwards.
    pub(crate) fn matters(&self, state: &State, now: u64) -> Duration {
        let resets = self.reports(state, now).map(|report| report.reset);
        resets.max().unwrap_or_default()
    }

    /// What the laws say of the state afterwards.
    pub(crate) fn reports<'s>(
        &'s self,
        state: &'s State,
        now: u64,
    ) -> impl Iterator<Item = Report> + 's {
        let plan = &self.plan;
        let lines = plan.seen(state).into_iter().zip(&*plan.terms);
        lines.map(move |(state, term)| plan.report(term, state, now, 0))
    }

    fn give_back_own(&self, taken: Taken, state: &mut State, now: u64) {
        let plan = &self.plan;
        plan.align(state);
        for (term, state) in plan.terms.iter().zip(each_mut(state)) {
            let hit = plan.hit(term, taken.at, taken.cost);
            if let Some(after) = plan.strategy.give_back(state.bytes(), &hit, now) {
                *state = State::Bytes(Some(after));
            }
        }
    }
}
