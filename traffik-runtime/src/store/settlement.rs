//! What becomes of a reserve when it is known what it was for (L32).

use crate::inline_vec::InlineVec1;
use crate::rate::Rate;
use crate::store::codec::{decode, decode_whole, no_state};
use crate::store::outcome::Outcome;
use crate::store::plan::{Plan, each_mut};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::refund::Taken;
use crate::strategy::kernel::state::State;

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
    /// The rates it was admitted under; the plan's are those that hold now.
    pub(crate) rates: InlineVec1<Rate>,
    /// The numbers of the states that it was taken from, one for each rate.
    pub(crate) made: InlineVec1<u64>,
}

impl Change {
    /// Whether it makes nothing of no state.
    pub(crate) const fn gives_back(&self) -> bool {
        matches!(self, Self::GiveBack(_))
    }
}

impl<'a> Plan<'a> {
    /// All of it given back, as an outcome says it was counted.
    pub(crate) fn given_back(&self, taken: &Outcome, place: usize) -> Settling<'a> {
        Settling {
            plan: self.clone(),
            change: Change::GiveBack(Taken {
                at: taken.counted_at(place),
                cost: self.cost,
            }),
            rates: self.rates(),
            made: taken.numbers(place),
        }
    }
}

impl Settling<'_> {
    /// The state that is kept as these bytes, for the change to be applied to. What is given back comes off whatever is
    /// there; a charge is a hit on what has not ended.
    pub(crate) fn state_of(&self, bytes: &[u8], now: u64) -> State {
        if self.change.gives_back() {
            decode_whole(&self.plan, bytes).unwrap_or_else(no_state)
        } else {
            decode(&self.plan, bytes, now)
        }
    }

    /// Returns whether the change applies to a state of this number: nothing is given back to one that was made after the
    /// hit (L32).
    pub(crate) fn applies_to(&self, made: u64) -> bool {
        !self.change.gives_back() || self.made.contains(&made)
    }

    /// Applies the change to a state, and returns whether it is another one now. The states of a list have numbers of their
    /// own; that of a single one is for the caller to check.
    pub(crate) fn apply(&self, state: &mut State, now: u64) -> bool {
        let Self {
            plan,
            change,
            rates,
            ..
        } = self;
        match change {
            Change::GiveBack(taken) if plan.is_custom() => self.give_back_own(*taken, state, now),
            Change::GiveBack(taken) => match state {
                State::List(list) => {
                    let own = list.iter_mut().filter(|it| self.applies_to(it.made));
                    let given = own.map(|it| taken.refund(rates, &mut it.state, now));
                    given.fold(false, |any, one| any | one)
                }
                only => taken.refund(rates, only, now),
            },
            Change::Charge(cost) => {
                plan.align(state, 0);
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
                true
            }
        }
    }

    fn give_back_own(&self, taken: Taken, state: &mut State, now: u64) -> bool {
        let (plan, mut changes) = (&self.plan, false);
        plan.align(state, 0);
        let State::List(list) = state else {
            return false;
        };
        for (term, listed) in plan.terms.iter().zip(list) {
            let hit = plan.hit(term, taken.at, taken.cost);
            if self.applies_to(listed.made)
                && let Some(after) = plan.strategy.refund(listed.state.bytes(), &hit, now)
            {
                listed.state = State::Bytes(Some(after));
                changes = true;
            }
        }
        changes
    }
}
