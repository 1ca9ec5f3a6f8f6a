//! Moves a state that fits a slot from the spill to a slot, with the hit that is counted in it.
//!
//! # Protocol
//!
//! 1. The key has no slot, and the spill is marked. Lock the key's spill shard.
//! 2. Evaluate the hit on the state in the shard, or on none. A refused hit moves nothing.
//! 3. Under the writer lock of the key's probe table, give the key a slot with the new state and
//!    the incarnation of the old one. If it has a slot by now, start again: the state in the slot
//!    is the right one.
//! 4. Remove the key from the shard, then unlock it.
//!
//! # Lock order
//!
//! The shard's lock, then the writer lock, then the slot.
//!
//! # Guarantee
//!
//! Between steps 3 and 4 the key is in both places. A thread that finds the slot never looks into
//! the shard, and a thread that found none waits for the shard.

use crate::decision::Report;
use crate::store::key::Key;
use crate::store::lifetime::end_of;
use crate::store::memory::Memory;
use crate::store::memory::clock_skew::corrected;
use crate::store::memory::optimistic::{TimedCost, admitted_report};
use crate::store::memory::slot_permit::SlotPermit;
use crate::store::memory::spill::Expiry;
use crate::store::plan::Limit;
use crate::strategy::kernel::state::State;

impl Memory {
    /// Decides for a key that has no slot but may be in the spill, and moves it to a slot if the
    /// hit is admitted. Returns `None` if the key has a slot by now.
    #[cold]
    pub(crate) fn decide_and_move_to_slot(
        &self,
        key: Key,
        limit: &Limit,
        hit: TimedCost<'_>,
        output: &mut Option<Report>,
    ) -> Option<bool> {
        let (law, now, cost) = (&limit.law, hit.at.now, hit.cost);
        let mut shard = self.spill.lock(self.spill.shard_of(key));
        let entry = shard.entry(key, now);
        let incarnation = entry.map(|entry| entry.own_incarnation(limit) as u16);
        let before = *entry
            .map_or(State::nothing(), |entry| limit.own(&entry.state, now))
            .packed();
        let decide = || law.decide_packed(&before, now, cost);
        let Some(after) = (cost > 0).then(decide).flatten() else {
            let before = State::Packed(before);
            let report = law.report(&before, now, cost);
            *output = Some(report);
            let correct = || corrected(hit.at, |now| law.caught_up(&before, now));
            if let Some(full) = (cost > 0).then(correct).flatten() {
                let entry = self.spill.entry_or_insert(&mut shard, key, now);
                entry.expiry = Expiry::of_report(&law.report(&full, now, 0), now);
                self.spill.replace(entry, full);
                return Some(false);
            }
            let Some(entry) = shard.entry_mut(key, now) else {
                return self.table.is_vacant(key).then_some(cost == 0);
            };
            if cost > 0 && limit.lengthen_own(&mut entry.state, report.reset, now) {
                entry.extend(end_of(report.reset, now));
            }
            return Some(cost == 0);
        };
        let slot = (key, &after, limit.capacity_ratio(now));
        let permit = SlotPermit::of_locked(&shard);
        if !self.table.try_insert_as(permit, slot, incarnation, now) {
            return None;
        }
        self.spill.remove(&mut shard, key);
        *output = Some(admitted_report(law, after, hit));
        Some(true)
    }
}
