//! Decides a single hit under one rate of a built-in strategy, as most requests need it.
//!
//! # Protocol
//!
//! 1. Find the key's slot, and read a snapshot of its state. No lock is taken.
//! 2. Evaluate the hit on the snapshot.
//! 3. A refused hit is reported and writes nothing.
//! 4. An admitted hit writes the new state if the slot has not been written since the snapshot.
//!    Otherwise it starts over.
//!
//! A key without a slot is looked up again under the writer lock of its probe table, which then
//! inserts it. If the spill is marked, the key's state [may be there](super::move_to_slot).

use crate::clock::reading::Reading;
use crate::decision::{Decision, Report};
use crate::store::key::Key;
use crate::store::memory::Memory;
use crate::store::memory::slot_permit::SlotPermit;
use crate::store::plan::Limit;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::adaptive::Adaptive;
use crate::strategy::kernel::contract::Kernel;
use crate::strategy::kernel::counter::Counter;
use crate::strategy::kernel::meter::Meter;
use crate::strategy::kernel::packed::Packed;
use crate::strategy::kernel::rollover::Rollover;
use crate::strategy::kernel::schedule::Hours;
use crate::strategy::kernel::state::State;
use crate::strategy::kernel::window::Window;

/// A cost, and the time at which it is decided.
#[derive(Clone, Copy)]
pub(crate) struct TimedCost<'c> {
    pub(crate) at: Reading<'c>,
    pub(crate) cost: u64,
}

/// Decides a hit on a key under a limit.
pub(crate) type DecideOne = fn(&Memory, Key, &Limit, &TimedCost<'_>) -> Decision;

/// A kernel that [`decide`] is compiled for.
trait SlotKernel: Kernel {
    /// Returns the kernel of a law, if it is of this type.
    fn of(law: &Law) -> Option<&Self>;
}

macro_rules! slot_kernels {
    ($($kernel:ident)+) => {
        $(impl SlotKernel for $kernel {
            #[inline(always)]
            fn of(law: &Law) -> Option<&Self> {
                match law {
                    Law::$kernel(kernel) => Some(kernel),
                    _ => None,
                }
            }
        })+

        /// Returns the function that decides under a law: an instance of [`decide`] into which its
        /// kernel is inlined, or one for the laws whose states are not in slots.
        pub(crate) const fn decider(law: &Law) -> DecideOne {
            match law {
                $(Law::$kernel(_) => decide::<$kernel>,)+
                Law::Closed => decide_closed,
                Law::Log(_) | Law::Mean(_) | Law::Unlimited | Law::Custom => decide_spilled,
            }
        }

        /// Decides under any law, with all kernels inlined into the caller.
        #[inline(always)]
        pub(crate) fn decide_inlined(
            memory: &Memory,
            key: Key,
            limit: &Limit,
            hit: &TimedCost<'_>,
        ) -> Decision {
            let decided = match &limit.law {
                $(Law::$kernel(law) => try_decide(memory, key, law, hit),)+
                _ => None,
            };
            match decided {
                Some(decision) => decision,
                None => {
                    let (admitted, report) = decide_apart(memory, key, limit, hit);
                    Decision::new(admitted, report)
                }
            }
        }
    };
}

slot_kernels! { Window Counter Meter Hours Rollover Adaptive }

/// Decides under a law with this kernel.
fn decide<K: SlotKernel>(
    memory: &Memory,
    key: Key,
    limit: &Limit,
    hit: &TimedCost<'_>,
) -> Decision {
    let Some(law) = K::of(&limit.law) else {
        // The limit is not the one that this instance was chosen for.
        return decider(&limit.law)(memory, key, limit, hit);
    };
    loop {
        if let Some(decision) = try_decide(memory, key, law, hit) {
            return decision;
        }
        if let Some(decision) = decide_unusual(memory, key, (limit, law), hit) {
            return decision;
        }
    }
}

/// Decides a hit that was not decided where the kernels are inlined.
///
/// It returns the parts of the decision. If it returned the decision, the compiler would let it
/// write the caller's own result through a pointer, so that all decisions are written to memory and
/// copied. Such a copy stalls: its loads are wider than the stores that they wait for.
#[cold]
#[inline(never)]
fn decide_apart(memory: &Memory, key: Key, limit: &Limit, hit: &TimedCost<'_>) -> (bool, Report) {
    let decision = decider(&limit.law)(memory, key, limit, hit);
    (decision.admitted, decision.report())
}

/// Decides an ordinary hit: its key has a slot, with a state that this law wrote. Returns `None`
/// for any other hit, and if another thread changed the state meanwhile. A refusal writes nothing,
/// so it needs no lock at all.
#[inline(always)]
fn try_decide<K: Kernel>(
    memory: &Memory,
    key: Key,
    law: &K,
    hit: &TimedCost<'_>,
) -> Option<Decision> {
    let slot = memory.table.find(key)?;
    let snapshot = slot.read_for(key)?;
    if !law.knows_end(&snapshot.state) {
        return None;
    }
    let (now, cost) = (hit.at.now, hit.cost);
    let standing = law.standing(&snapshot.state, now);
    if cost > 0
        && let Some((standing, after)) = law.admit(&standing, now, cost)
    {
        if !slot.write_if_unchanged(&snapshot, &after) {
            return None;
        }
        let report = Report {
            delay: law.delay(&after, now, cost),
            ..law.report(&standing, now, 0)
        };
        return Some(Decision::new(true, report));
    }
    if cost > 0 && law.caught_up(&snapshot.state, now).is_some() {
        return None;
    }
    let report = law.report(&standing, now, cost);
    Some(Decision::new(cost == 0, report))
}

/// Decides a hit that is not ordinary. Returns `None` if it has become so, or if another thread
/// changed the state meanwhile.
#[cold]
#[inline(never)]
fn decide_unusual<K: SlotKernel>(
    memory: &Memory,
    key: Key,
    (limit, law): (&Limit, &K),
    hit: &TimedCost<'_>,
) -> Option<Decision> {
    let mut report = None;
    let Some(slot) = memory.table.find(key) else {
        let fits = memory.decide_new_key(key, limit, *hit, &mut report)?;
        return Some(Decision::new(fits, report?));
    };
    let snapshot = slot.read_for(key)?;
    if !law.knows_end(&snapshot.state) {
        let place = (slot, snapshot);
        let fits = memory.decide_changed_rate(place, key, limit, *hit, &mut report)?;
        return Some(Decision::new(fits, report?));
    }
    if hit.cost == 0 || law.caught_up(&snapshot.state, hit.at.now).is_none() {
        return None;
    }
    // The state is far ahead of the clock, so it refuses the hit, and is replaced (`clock_skew`).
    let (at, cost) = (hit.at.again(), hit.cost);
    let Some(full) = law.caught_up(&snapshot.state, at.now) else {
        // It is not ahead of the clock: this hit read the clock before another hit that counted.
        return Some(decide::<K>(memory, key, limit, &TimedCost { at, cost }));
    };
    if !slot.replace_if_unchanged(&snapshot, &full, memory.table.next_incarnation(key)) {
        return None;
    }
    let report = law.report_on(&snapshot.state, hit.at.now, cost);
    Some(Decision::new(false, report))
}

/// Decides under a law whose states are in the spill.
fn decide_spilled(memory: &Memory, key: Key, limit: &Limit, hit: &TimedCost<'_>) -> Decision {
    let mut report = None;
    let fits = memory.decide_spilled(key, limit, *hit, &mut report);
    Decision::new(fits, report.unwrap_or_default())
}

/// Decides under a closed rate, without a state.
fn decide_closed(_: &Memory, _: Key, limit: &Limit, hit: &TimedCost<'_>) -> Decision {
    let report = limit.law.report(State::nothing(), hit.at.now, hit.cost);
    Decision::new(hit.cost == 0, report)
}

impl Memory {
    /// Decides for a key that seems to have no state, or returns `None` if it has one.
    #[cold]
    fn decide_new_key(
        &self,
        key: Key,
        limit: &Limit,
        hit: TimedCost<'_>,
        output: &mut Option<Report>,
    ) -> Option<bool> {
        if self.spill.may_hold_packed() {
            return self.decide_and_move_to_slot(key, limit, hit, output);
        }
        let permit = SlotPermit::of_unmarked(&self.spill);
        let (Limit { law, .. }, now, cost) = (limit, hit.at.now, hit.cost);
        let nothing = State::nothing();
        let decide = || law.decide_packed(nothing.packed(), now, cost);
        let Some(after) = (cost > 0).then(decide).flatten() else {
            *output = Some(law.report(nothing, now, cost));
            let is_new = self.table.is_vacant(key) && permit.is_valid();
            return is_new.then_some(cost == 0);
        };
        let slot = (key, &after, limit.capacity_ratio(now));
        if !self.table.try_insert(permit, slot, now) {
            return None;
        }
        *output = Some(admitted_report(law, after, hit));
        Some(true)
    }
}

/// Returns the report on the state after an admitted hit.
pub(crate) fn admitted_report(law: &Law, after: Packed, hit: TimedCost<'_>) -> Report {
    law.admitted_report(&after, hit.at.now, hit.cost)
}
