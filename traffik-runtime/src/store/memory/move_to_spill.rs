//! Moves a state from its slot to the spill.
//!
//! A state moves when its throttle gets several rates, and when a changed rate needs it for longer
//! than the state itself says, because a slot has no room for either.
//!
//! # Protocol
//!
//! 1. Mark the spill, so that from now on a key without a slot is looked up there.
//! 2. Lock the key's spill shard.
//! 3. Under the writer lock of the key's probe table, take the key out of its slot with its state
//!    and the state's incarnation.
//! 4. Insert an entry with both into the shard, then unlock it.
//!
//! # Lock order
//!
//! The shard's lock, then the writer lock, then the slot. The caller must hold no slot lock, for
//! step 3 waits for slots.
//!
//! # Guarantee
//!
//! Between steps 3 and 4 the key is nowhere. A thread that finds it in neither the table nor an
//! unmarked spill checks the mark once more under the writer lock before it decides for a new key;
//! then it waits for the shard.

use crate::store::key::Key;
use crate::store::memory::Memory;
use crate::store::memory::spill::{Expiry, SpillShard};
use crate::store::plan::Plan;
use crate::strategy::kernel::state::State;

impl Memory {
    /// Moves the state of a plan, if it has a slot, to its locked shard.
    pub(crate) fn move_plan_to_spill(&self, plan: &Plan<'_>, shard: &mut SpillShard, now: u64) {
        let expiry = |state: &State| Expiry::of_reports(plan.reports(state, now), now);
        self.move_to_spill(shard, plan.key, expiry, now);
    }

    /// Moves the state of a key, if it has a slot, to its locked shard.
    pub(crate) fn move_to_spill(
        &self,
        shard: &mut SpillShard,
        key: Key,
        expiry: impl Fn(&State) -> Expiry,
        now: u64,
    ) {
        if let Some((packed, incarnation)) = self.table.extract(key) {
            let state = State::Packed(packed);
            let expiry = Expiry {
                at: packed.expires(),
                ..expiry(&state)
            };
            let entry = self.spill.entry_or_insert(shard, key, now);
            (entry.expiry, entry.state, entry.incarnation) = (expiry, state, incarnation.into());
        }
    }
}
