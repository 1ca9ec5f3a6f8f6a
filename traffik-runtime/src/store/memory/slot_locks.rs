//! The locks on the slots of a set, locked in the order of the slots' addresses.
//!
//! # Protocol
//!
//! 1. Find the slot of each plan whose state fits one and is not in the spill.
//! 2. If one has no slot, reserve it: insert a state that lives for [`RESERVED_MICROS`] and is
//!    displaced last. Then give up: another plan's slot may have moved to make room, so the caller
//!    starts at step 1.
//! 3. Lock the slots in ascending order of their addresses, so that no two sets wait for each
//!    other.
//! 4. Compare the keys. If another key has one of the slots by now, unlock all and give up.
//!
//! # Lock order
//!
//! Slots come last. While one is locked no other lock is waited for, except slots at higher
//! addresses: a thread that holds a writer lock, or another set, may be waiting for this slot.
//!
//! # Guarantee
//!
//! Until the [`LockedSet`] is dropped, no other thread writes, moves or evicts any state of the
//! set. Readers wait for a locked slot. They see the set's writes to each slot at once, those to
//! several slots one after the other.

use std::borrow::Cow;

use crate::inline_vec::InlineVec4;
use crate::store::key::Key;
use crate::store::memory::Memory;
use crate::store::memory::seqlock_slot::SlotGuard;
use crate::store::memory::shard_locks::LockedShards;
use crate::store::memory::spill::Entry;

use crate::store::plan::Plan;
use crate::strategy::kernel::packed::Packed;
use crate::strategy::kernel::state::State;

/// The life of a reserved slot that the set does not write, in microseconds.
pub(crate) const RESERVED_MICROS: u64 = 1_000_000;

/// The states of a set, all locked.
pub(crate) struct LockedSet<'s, 'm> {
    slots: InlineVec4<(Key, SlotGuard<'m>)>,
    shards: &'s mut LockedShards<'m>,
}

impl<'m> LockedShards<'m> {
    /// Locks the slots of a set, or returns `None` if one had to be reserved or was moved: then the
    /// caller starts again.
    pub(crate) fn lock_slots(&mut self, plans: &[Plan<'_>], now: u64) -> Option<LockedSet<'_, 'm>> {
        let table = &self.memory.table;
        let mut slots: InlineVec4<_> = InlineVec4::new();
        for plan in plans.iter().filter(|plan| plan.is_packed()) {
            if self.spilled(plan, now).is_some() {
                continue;
            }
            let Some(slot) = table.find(plan.key) else {
                let reserved = Packed::reserved(now + RESERVED_MICROS);
                let ratio = plan.limits[0].capacity_ratio(now);
                let slot = (plan.key, &reserved, ratio);
                table.try_insert(self.slot_permit(plan.key), slot, now);
                return None;
            };
            slots.push((plan.key, slot));
        }
        slots.sort_unstable_by_key(|(_, slot)| slot.address());
        slots.dedup_by_key(|(key, _)| *key);
        let slots: InlineVec4<(Key, SlotGuard<'m>)> = slots
            .into_iter()
            .map(|(key, slot)| (key, slot.lock()))
            .collect();
        let unmoved = slots.iter().all(|(key, slot)| slot.holds(*key));
        unmoved.then_some(LockedSet {
            slots,
            shards: self,
        })
    }
}

impl<'m> LockedSet<'_, 'm> {
    /// Returns the backend that the states belong to.
    pub(crate) fn memory(&self) -> &'m Memory {
        self.shards.memory
    }

    /// Returns `true` if no state of the set is in a slot.
    pub(crate) fn is_all_spilled(&self) -> bool {
        self.slots.is_empty()
    }

    /// Reads the state of a plan.
    pub(crate) fn read(&self, plan: &Plan<'_>, now: u64) -> Cow<'_, State> {
        if let Some(slot) = self.slot(plan.key) {
            let packed = plan.limits[0].living(slot.read().1, now);
            return Cow::Owned(State::Packed(packed));
        }
        match self.shards.spilled(plan, now) {
            Some(state) => plan.living(Cow::Borrowed(state), now),
            None => Cow::Borrowed(State::nothing()),
        }
    }

    /// Returns the slot of a key, if it is one of those that are locked.
    pub(crate) fn slot(&self, key: Key) -> Option<&SlotGuard<'_>> {
        let (_, slot) = self.slots.iter().find(|(it, _)| *it == key)?;
        Some(slot)
    }

    /// Returns `true` if a plan has a state in the spill.
    pub(crate) fn has_spilled(&self, plan: &Plan<'_>, now: u64) -> bool {
        self.shards.spilled(plan, now).is_some()
    }

    /// Returns the entry of a key in the spill, to be written now. It is inserted if there is none.
    pub(crate) fn spill_entry(&mut self, key: Key, now: u64) -> Option<&mut Entry> {
        let spill = &self.shards.memory.spill;
        let shard = self.shards.shard_mut(key)?;
        Some(spill.entry_or_insert(shard, key, now))
    }
}
