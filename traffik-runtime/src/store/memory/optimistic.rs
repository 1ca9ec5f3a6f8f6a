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
use crate::decision::Report;
use crate::store::key::Key;
use crate::store::lifetime::end_of;
use crate::store::memory::Memory;
use crate::store::memory::clock_skew::corrected;
use crate::store::memory::seqlock_slot::Slot;
use crate::store::memory::slot_permit::SlotPermit;
use crate::store::memory::spill::Expiry;
use crate::store::plan::Limit;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::contract::Kernel;
use crate::strategy::kernel::packed::Packed;
use crate::strategy::kernel::state::State;

/// A cost, and the time at which it is decided.
#[derive(Clone, Copy)]
pub(crate) struct TimedCost<'c> {
    pub(crate) at: Reading<'c>,
    pub(crate) cost: u64,
}

impl Memory {
    /// Decides a hit, and returns `true` if it is admitted. The report goes to `output`, because
    /// copying it would take as long as much of the rest.
    #[inline(always)]
    pub(crate) fn decide_one(
        &self,
        key: Key,
        limit: &Limit,
        hit: TimedCost<'_>,
        output: &mut Option<Report>,
    ) -> bool {
        match self.try_decide(key, limit, hit, output) {
            Some(fits) => fits,
            None => self.retry(key, limit, hit, output),
        }
    }

    /// Decides a hit that lost to another thread.
    #[cold]
    fn retry(
        &self,
        key: Key,
        limit: &Limit,
        hit: TimedCost<'_>,
        output: &mut Option<Report>,
    ) -> bool {
        loop {
            if let Some(fits) = self.try_decide(key, limit, hit, output) {
                return fits;
            }
        }
    }

    /// Decides a hit, or returns `None` if another thread changed the state meanwhile.
    #[inline(always)]
    fn try_decide(
        &self,
        key: Key,
        limit: &Limit,
        hit: TimedCost<'_>,
        output: &mut Option<Report>,
    ) -> Option<bool> {
        match (self.table.find(key), &limit.law) {
            // One instance for each strategy, into which its kernel is inlined.
            (Some(slot), Law::Window(law)) => {
                self.decide_in_slot(slot, key, (limit, law), hit, output)
            }
            (Some(slot), Law::Counter(law)) => {
                self.decide_in_slot(slot, key, (limit, law), hit, output)
            }
            (Some(slot), Law::Meter(law)) => {
                self.decide_in_slot(slot, key, (limit, law), hit, output)
            }
            (Some(slot), Law::Hours(law)) => {
                self.decide_in_slot(slot, key, (limit, law), hit, output)
            }
            (Some(slot), Law::Rollover(law)) => {
                self.decide_in_slot(slot, key, (limit, law), hit, output)
            }
            (Some(slot), Law::Adaptive(law)) => {
                self.decide_in_slot(slot, key, (limit, law), hit, output)
            }
            (_, Law::Closed) => {
                *output = Some(limit.law.report(State::nothing(), hit.at.now, hit.cost));
                Some(hit.cost == 0)
            }
            (_, Law::Log(_) | Law::Mean(_) | Law::Unlimited | Law::Custom) => {
                Some(self.decide_spilled(key, limit, hit, output))
            }
            (None, _) => self.decide_new_key(key, limit, hit, output),
        }
    }

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

    /// Decides on a state that does not fit a slot, with its spill shard locked.
    #[inline(never)]
    fn decide_spilled(
        &self,
        key: Key,
        limit: &Limit,
        hit: TimedCost<'_>,
        output: &mut Option<Report>,
    ) -> bool {
        let (law, now, cost) = (&limit.law, hit.at.now, hit.cost);
        let mut shard = self.spill.lock(self.spill.shard_of(key));
        let nothing = State::nothing();
        let before = shard.state(key, now);
        let before = before.map_or(nothing, |state| limit.own(state, now));
        if cost == 0 || !law.admits(before, now, cost) {
            let report = law.report(before, now, cost);
            *output = Some(report);
            let correct = || corrected(hit.at, |now| law.caught_up(before, now));
            if let Some(full) = (cost > 0).then(correct).flatten() {
                let entry = self.spill.entry_or_insert(&mut shard, key, now);
                entry.expiry = Expiry::of_report(&law.report(&full, now, 0), now);
                self.spill.replace(entry, full);
            } else if cost > 0
                && let Some(entry) = shard.entry_mut(key, now)
                && limit.lengthen_own(&mut entry.state, report.reset, now)
            {
                entry.extend(end_of(report.reset, now));
            }
            return cost == 0;
        }
        let entry = self.spill.entry_or_insert(&mut shard, key, now);
        if matches!(entry.state, State::List(_)) {
            // The throttle had several rates.
            entry.incarnation = entry.own_incarnation(limit);
            entry.state = limit.own(&entry.state, now).clone();
        }
        law.count(&mut entry.state, now, cost);
        let report = law.report(&entry.state, now, 0);
        entry.expiry = Expiry::of_report(&report, now);
        *output = Some(report);
        true
    }

    /// Decides on the state in a slot, or returns `None` if another thread wrote the slot
    /// meanwhile. A refusal writes nothing, so it needs no lock at all; only a state that is far
    /// ahead of the clock is [replaced](super::clock_skew).
    #[inline(never)]
    fn decide_in_slot<K: Kernel>(
        &self,
        slot: &Slot,
        key: Key,
        (limit, law): (&Limit, &K),
        hit: TimedCost<'_>,
        output: &mut Option<Report>,
    ) -> Option<bool> {
        let snapshot = slot.read_for(key)?;
        if !law.knows_end(&snapshot.state) {
            return self.decide_changed_rate((slot, snapshot), key, limit, hit, output);
        }
        let (now, cost) = (hit.at.now, hit.cost);
        let standing = law.standing(&snapshot.state, now);
        let admitted = if cost > 0 {
            law.admit(&standing, now, cost)
        } else {
            None
        };
        let Some((standing, after)) = admitted else {
            if cost > 0 && law.caught_up(&snapshot.state, now).is_some() {
                let at = hit.at.again();
                let Some(full) = law.caught_up(&snapshot.state, at.now) else {
                    // The state is not ahead of the clock: this hit read the clock before another
                    // hit that counted.
                    return self.decide_in_slot(
                        slot,
                        key,
                        (limit, law),
                        TimedCost { at, cost },
                        output,
                    );
                };
                if !slot.replace_if_unchanged(&snapshot, &full, self.table.next_incarnation(key)) {
                    return None;
                }
            }
            *output = Some(law.report(&standing, now, cost));
            return Some(cost == 0);
        };
        if !slot.write_if_unchanged(&snapshot, &after) {
            return None;
        }
        *output = Some(Report {
            delay: law.delay(&after, now, cost),
            ..law.report(&standing, now, 0)
        });
        Some(true)
    }
}

/// Returns the report on the state after an admitted hit.
pub(crate) fn admitted_report(law: &Law, after: Packed, hit: TimedCost<'_>) -> Report {
    let (now, cost) = (hit.at.now, hit.cost);
    let after = State::Packed(after);
    Report {
        delay: law.delay(&after, now, cost),
        ..law.report(&after, now, 0)
    }
}
