//! Replaces states that are far ahead of the clock, because the clock was set back.
//!
//! # Protocol
//!
//! Only a refused hit does this, and it counts nothing. It reads the clock a second time before it
//! writes: another hit that read a later time may have counted in between, and its state must not
//! be set back. The new state is a new incarnation, so no refund of an earlier hit applies to it.
//! In a slot it is written only if it has not been written since it was read; otherwise that other
//! hit has already dealt with it.

use crate::clock::reading::Reading;
use crate::store::memory::Memory;
use crate::store::memory::shard_locks::LockedShards;
use crate::store::memory::spill::Expiry;
use crate::store::plan::Plan;
use crate::strategy::kernel::state::State;

/// Returns the state that replaces one far ahead of the clock, as `caught_up` computes it from the
/// time.
pub(crate) fn corrected<T>(at: Reading<'_>, caught_up: impl Fn(u64) -> Option<T>) -> Option<T> {
    caught_up(at.now)?;
    caught_up(at.again().now)
}

impl LockedShards<'_> {
    /// Replaces the states of a refused set that are far ahead of the clock.
    pub(crate) fn correct_all(&mut self, plans: &[Plan<'_>], at: Reading<'_>) {
        let spill = &self.memory.spill;
        for plan in plans.iter().filter(|plan| plan.cost > 0) {
            if let Some(state) = self.spilled(plan, at.now) {
                if let Some(full) = corrected(at, |now| plan.caught_up(state, now))
                    && let Some(shard) = self.shard_mut(plan.key)
                {
                    let entry = spill.entry_or_insert(shard, plan.key, at.now);
                    entry.expiry = Expiry::of_reports(plan.reports(&full, at.now), at.now);
                    spill.replace(entry, full);
                }
            } else if plan.is_packed() {
                self.memory.correct_slot(plan, at);
            }
        }
    }
}

impl Memory {
    fn correct_slot(&self, plan: &Plan<'_>, at: Reading<'_>) {
        if let Some(slot) = self.table.find(plan.key)
            && let Some(snapshot) = slot.read_for(plan.key)
            && let state = State::Packed(snapshot.state)
            && let Some(full) = corrected(at, |now| plan.caught_up(&state, now))
        {
            let incarnation = self.table.next_incarnation(plan.key);
            slot.replace_if_unchanged(&snapshot, full.packed(), incarnation);
        }
    }
}
