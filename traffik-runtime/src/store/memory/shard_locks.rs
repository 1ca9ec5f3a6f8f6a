//! The locks on the spill shards of a set, locked before any slot.
//!
//! # Protocol
//!
//! 1. If a plan has several rates, mark the spill: the plan's state may have to leave its slot.
//! 2. Read the mark. An unmarked spill holds no state that fits a slot, so only the shards of the
//!    other plans are locked. A marked one may hold any plan's state, so the shards of all plans
//!    are locked.
//! 3. Lock each of these shards once, in ascending order of their numbers.
//! 4. [Move](super::move_to_spill) the states that have several rates now out of their slots.
//!
//! # Lock order
//!
//! Spill shards by number; then the writer lock of one probe table, never two at once; then slots
//! by address. [`LockedShards`] is the first of these steps and the only way to the others:
//! [`peek`](LockedShards::peek) takes a writer lock, [`lock_slots`](LockedShards::lock_slots)
//! borrows the shards mutably for as long as slots are locked, so neither a peek nor a move can
//! start then.
//!
//! # Invariants
//!
//! * A key is in the table or in the spill, never in both for a thread that has its shard locked.
//!   It changes sides only under that lock.
//! * The mark is set before the first such state leaves the table, and is never removed. So a
//!   thread that holds the writer lock of a key's probe table, finds neither the key nor the mark,
//!   may give the key a slot.
//!
//! A thread that read the mark just before another set it has [too few
//! shards](LockedShards::misses_shards), and starts again.

use crate::inline_vec::InlineVec4;
use crate::store::key::Key;
use crate::store::memory::Memory;
use crate::store::memory::slot_permit::SlotPermit;
use crate::store::memory::spill::SpillShard;
use crate::store::memory::sync::MutexGuard;
use crate::store::plan::Plan;
use crate::strategy::kernel::state::State;

/// The locked spill shards of a set.
pub(crate) struct LockedShards<'m> {
    pub(crate) memory: &'m Memory,
    shards: InlineVec4<(usize, MutexGuard<'m, SpillShard>)>,
    /// `true` if the shards of all plans are locked, not only those of states that never fit a
    /// slot.
    covers_all: bool,
}

impl Memory {
    /// Locks the shards in which states of the plans are or may be, and moves states of several
    /// rates there.
    pub(crate) fn lock_shards(&self, plans: &[Plan<'_>], now: u64) -> LockedShards<'_> {
        if plans.iter().any(has_several_rates) {
            self.spill.mark_packed();
        }
        let covers_all = self.spill.may_hold_packed();
        let spilled = plans.iter().filter(|plan| covers_all || !plan.is_packed());
        let mut numbers: InlineVec4<usize> =
            spilled.map(|plan| self.spill.shard_of(plan.key)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let lock = |number| (number, self.spill.lock(number));
        let mut locked = LockedShards {
            memory: self,
            shards: numbers.into_iter().map(lock).collect(),
            covers_all,
        };
        for plan in plans.iter().filter(|plan| has_several_rates(plan)) {
            if locked.spilled(plan, now).is_none()
                && let Some(shard) = locked.shard_mut(plan.key)
            {
                self.move_plan_to_spill(plan, shard, now);
            }
        }
        locked
    }
}

impl LockedShards<'_> {
    /// Returns `true` if a plan's state may have moved to a shard that is not locked.
    pub(crate) fn misses_shards(&self) -> bool {
        !self.covers_all && self.memory.spill.may_hold_packed()
    }

    /// Returns the state of a plan in the spill, if it has one there.
    pub(crate) fn spilled(&self, plan: &Plan<'_>, now: u64) -> Option<&State> {
        self.shard(plan.key)?.state(plan.key, now)
    }

    /// Returns the shard of a key, if it is locked.
    pub(crate) fn shard_mut(&mut self, key: Key) -> Option<&mut SpillShard> {
        let number = self.memory.spill.shard_of(key);
        let (_, shard) = self.shards.iter_mut().find(|(it, _)| *it == number)?;
        Some(shard)
    }

    /// Returns the permit to give a key a slot.
    pub(crate) fn slot_permit(&self, key: Key) -> SlotPermit<'_> {
        match self.shard(key) {
            Some(shard) => SlotPermit::of_locked(shard),
            None => SlotPermit::of_unmarked(&self.memory.spill),
        }
    }

    fn shard(&self, key: Key) -> Option<&SpillShard> {
        let number = self.memory.spill.shard_of(key);
        let (_, shard) = self.shards.iter().find(|(it, _)| *it == number)?;
        Some(shard)
    }
}

fn has_several_rates(plan: &Plan<'_>) -> bool {
    plan.limits.len() > 1
}
