//! Decides a set of plans all or nothing, with the states of all of them locked.
//!
//! # Protocol
//!
//! 1. Lock the [spill shards](super::shard_locks) that hold states of the set.
//! 2. Evaluate the plans on [states that are read without slot locks](super::peek). A refusal is
//!    final: it writes nothing, so it locks no slot, however many threads hit a client that is at
//!    its limit. So is a set that costs nothing.
//! 3. Lock the [slots](super::slot_locks) of a set that seems to be admitted. If one had to be
//!    reserved or was moved, start at step 2.
//! 4. Evaluate again, on the locked states. A set without slots is not evaluated again: its shards
//!    were locked in step 1.
//! 5. [Write](super::write_set) what all strategies admitted, or unlock the slots and refuse.
//!
//! If the spill was marked after step 1, states of the set may be in shards that are not locked;
//! start at step 1 then. That is checked after step 2, and a slot that is found with its key in
//! step 3 is final: no key is in both places.
//!
//! After a refusal, states far ahead of the clock are [corrected](super::clock_skew) while the
//! shards are still locked, and states of changed rates [live longer](super::extend) once they are
//! not.
//!
//! The lock order is stated in [`shard_locks`](super::shard_locks).

use std::borrow::Cow;

use crate::clock::reading::Reading;
use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::store::memory::Memory;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::{Plan, Transition};
use crate::strategy::kernel::state::State;

/// The number of attempts of a set to lock its slots: far more than others evict one by chance.
const MAX_ATTEMPTS: usize = 10_000;

impl Memory {
    /// Decides a set of plans, and writes all or none.
    pub(crate) fn decide_set<'c>(
        &self,
        plans: &[Plan<'_>],
        at: impl Into<Reading<'c>>,
    ) -> Result<StoreOutcome, Error> {
        let at = at.into();
        self.check_capacity(plans)?;
        loop {
            let Some(outcome) = self.decide_locked(plans, at)? else {
                continue;
            };
            if !outcome.admitted {
                for plan in plans.iter().filter(|plan| plan.cost > 0) {
                    self.extend(plan, at.now);
                }
            }
            return Ok(outcome);
        }
    }

    /// Decides a set of plans once, or returns `None` if its states may have moved to shards that
    /// are not locked.
    fn decide_locked(
        &self,
        plans: &[Plan<'_>],
        at: Reading<'_>,
    ) -> Result<Option<StoreOutcome>, Error> {
        let now = at.now;
        let mut shards = self.lock_shards(plans, now);
        for _ in 0..MAX_ATTEMPTS {
            let peek = |plan: &Plan<'_>| shards.peek(plan, now);
            let evaluated = evaluate(plans, peek, now);
            let outcome = match &evaluated {
                Err(Refused) => Some(refusal(plans, peek, now)),
                Ok(_) if plans.iter().all(|plan| plan.cost == 0) => Some(report(plans, peek, now)),
                Ok(_) => None,
            };
            if shards.misses_shards() {
                return Ok(None);
            }
            let (Ok(steps), None) = (evaluated, &outcome) else {
                if outcome.as_ref().is_some_and(|outcome| !outcome.admitted) {
                    shards.correct_all(plans, at);
                }
                return Ok(outcome);
            };
            let Some(set) = shards.lock_slots(plans, now) else {
                continue;
            };
            if set.is_all_spilled() {
                return Ok(Some(set.write(plans, steps, now)));
            }
            let read = |plan: &Plan<'_>| set.read(plan, now);
            match evaluate(plans, read, now) {
                Ok(steps) => return Ok(Some(set.write(plans, steps, now))),
                Err(Refused) => {
                    let outcome = refusal(plans, read, now);
                    drop(set);
                    shards.correct_all(plans, at);
                    return Ok(Some(outcome));
                }
            }
        }
        // Concurrent sets evict each other's slots again and again.
        Err(self.capacity_error(plans.len()))
    }
}

/// The refusal of some plan.
struct Refused;

/// Returns what each plan does to its state, if all are admitted. Of two hits on one key, the
/// second is evaluated on the state that the first leads to.
fn evaluate<'s>(
    plans: &[Plan<'_>],
    read: impl Fn(&Plan<'_>) -> Cow<'s, State>,
    now: u64,
) -> Result<InlineVec4<InlineVec4<Transition>>, Refused> {
    let mut all: InlineVec4<InlineVec4<Transition>> = InlineVec4::new();
    for (index, plan) in plans.iter().enumerate() {
        let mut before = read(plan);
        for (earlier, steps) in plans[..index].iter().zip(&all) {
            if earlier.key == plan.key {
                earlier.apply(steps.clone(), before.to_mut(), now);
            }
        }
        all.push(plan.evaluate(&before, now).ok_or(Refused)?);
    }
    Ok(all)
}

/// Returns the outcome of a refused set.
fn refusal<'s>(
    plans: &[Plan<'_>],
    read: impl Fn(&Plan<'_>) -> Cow<'s, State>,
    now: u64,
) -> StoreOutcome {
    let states: InlineVec4<_> = plans.iter().map(read).collect();
    StoreOutcome::refused(plans, states.iter().map(|state| &**state), now)
}

/// Returns the outcome of costs of 0, which are admitted and write nothing.
fn report<'s>(
    plans: &[Plan<'_>],
    read: impl Fn(&Plan<'_>) -> Cow<'s, State>,
    now: u64,
) -> StoreOutcome {
    let mut reports = InlineVec4::new();
    for (index, plan) in plans.iter().enumerate() {
        reports.extend(plan.limit_reports(index, &read(plan), now));
    }
    StoreOutcome::admitted(now, reports)
}

#[cfg(all(test, traffik_loom))]
#[path = "locked_loom.rs"]
mod loom_tests;

#[cfg(all(test, not(traffik_loom)))]
#[path = "locked_tests.rs"]
mod tests;
