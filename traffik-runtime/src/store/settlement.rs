//! Settlements: refunds and charges of hits that were admitted (L32).

use crate::inline_vec::InlineVec1;
use crate::rate::Rate;
use crate::store::codec::{decode, decode_whole, no_state};
use crate::store::outcome::StoreOutcome;
use crate::store::plan::{Plan, each_mut};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::refund::Refund;
use crate::strategy::kernel::state::State;

/// The change of a count, which the law cannot refuse.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Adjustment {
    /// Subtracts a part of a hit.
    Refund(Refund),
    /// Adds units, even beyond the limit.
    Charge(u64),
}

/// A plan that was admitted, and the change of its count.
#[derive(Clone, Debug)]
pub(crate) struct Settlement<'a> {
    pub(crate) plan: Plan<'a>,
    pub(crate) adjustment: Adjustment,
    /// The rates under which the hit was admitted. The plan's rates are those in force now.
    pub(crate) rates: InlineVec1<Rate>,
    /// The incarnations that counted the hit, one for each rate.
    pub(crate) incarnations: InlineVec1<u64>,
}

impl Adjustment {
    /// Returns `true` for a refund, which leaves a missing state missing.
    pub(crate) const fn is_refund(&self) -> bool {
        matches!(self, Self::Refund(_))
    }
}

impl<'a> Plan<'a> {
    /// Returns the full refund of a hit, which an outcome says when and where it was counted.
    pub(crate) fn full_refund(&self, outcome: &StoreOutcome, place: usize) -> Settlement<'a> {
        Settlement {
            plan: self.clone(),
            adjustment: Adjustment::Refund(Refund {
                at: outcome.counted_at(place),
                cost: self.cost,
            }),
            rates: self.rates(),
            incarnations: outcome.incarnations(place),
        }
    }
}

impl Settlement<'_> {
    /// Decodes the state to which the change is applied. A refund is subtracted from any state; a
    /// charge is a hit on a state that has not ended.
    pub(crate) fn state_of(&self, bytes: &[u8], now: u64) -> State {
        if self.adjustment.is_refund() {
            decode_whole(&self.plan, bytes).unwrap_or_else(no_state)
        } else {
            decode(&self.plan, bytes, now)
        }
    }

    /// Returns `true` if the change applies to this incarnation. No refund applies to a
    /// state that was made after the hit (L32).
    pub(crate) fn applies_to(&self, incarnation: u64) -> bool {
        !self.adjustment.is_refund() || self.incarnations.contains(&incarnation)
    }

    /// Applies the change to a state. Returns `true` if that changed it. The states of a list have
    /// incarnations of their own; the caller checks that of a single state.
    pub(crate) fn apply(&self, state: &mut State, now: u64) -> bool {
        let Self {
            plan,
            adjustment,
            rates,
            ..
        } = self;
        match adjustment {
            Adjustment::Refund(refund) if plan.is_custom() => {
                self.refund_custom(*refund, state, now)
            }
            Adjustment::Refund(refund) => match state {
                State::List(list) => {
                    let own = list.iter_mut().filter(|it| self.applies_to(it.incarnation));
                    let changes = own.map(|it| it.state.refund(*refund, rates, now));
                    changes.fold(false, |any, one| any | one)
                }
                only => only.refund(*refund, rates, now),
            },
            Adjustment::Charge(cost) => {
                plan.reshape(state, 0);
                for (limit, state) in plan.limits.iter().zip(each_mut(state)) {
                    match &limit.law {
                        // A law of the user's own can only admit or refuse.
                        Law::Custom => {
                            let hit = plan.hit(limit, now, *cost);
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

    fn refund_custom(&self, refund: Refund, state: &mut State, now: u64) -> bool {
        let (plan, mut changes) = (&self.plan, false);
        plan.reshape(state, 0);
        let State::List(list) = state else {
            return false;
        };
        for (limit, listed) in plan.limits.iter().zip(list) {
            let hit = plan.hit(limit, refund.at, refund.cost);
            if self.applies_to(listed.incarnation)
                && let Some(after) = plan.strategy.refund(listed.state.bytes(), &hit, now)
            {
                listed.state = State::Bytes(Some(after));
                changes = true;
            }
        }
        changes
    }
}
