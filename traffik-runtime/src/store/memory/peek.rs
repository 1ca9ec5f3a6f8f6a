//! Reads of a plan's state that lock no slot.
//!
//! # Protocol
//!
//! 1. Look into the plan's spill shard, if that is locked.
//! 2. Find the plan's slot and read it at one version. If another key has the slot by then, find it
//!    again.
//! 3. If no slot is found, take the writer lock of the key's probe table and look again: a key that
//!    is being moved to another slot is not found meanwhile. A key that is not found under the lock
//!    has no state.
//!
//! # Lock order
//!
//! Step 3 waits for a writer lock, and a thread that holds a writer lock waits for slots. So no
//! slot may be locked by the caller; [`LockedSet`](super::slot_locks::LockedSet) borrows the shards
//! mutably, which rules that out.
//!
//! # Guarantee
//!
//! Each state is whole, as it was at one moment during the call. The states of two plans may be of
//! two moments, so a set that seems to be admitted has to be evaluated again with its slots locked.
//! A refusal needs no second evaluation: some plan was refused at some moment during the call.

use std::borrow::Cow;

use crate::inline_vec::InlineVec4;
use crate::store::memory::Memory;
use crate::store::memory::shard_locks::LockedShards;

use crate::store::plan::Plan;
use crate::strategy::kernel::state::State;

impl Memory {
    /// Reads the states of all plans.
    pub(crate) fn read_states(&self, plans: &[Plan<'_>], now: u64) -> InlineVec4<State> {
        loop {
            let shards = self.lock_shards(plans, now);
            let states = plans.iter().map(|plan| shards.peek(plan, now));
            let states = states.map(Cow::into_owned).collect();
            if !shards.misses_shards() {
                return states;
            }
        }
    }
}

impl LockedShards<'_> {
    /// Reads the state of a plan.
    pub(crate) fn peek(&self, plan: &Plan<'_>, now: u64) -> Cow<'_, State> {
        if let Some(state) = self.spilled(plan, now) {
            return plan.living(Cow::Borrowed(state), now);
        }
        if !plan.is_packed() {
            return Cow::Borrowed(State::nothing());
        }
        let table = &self.memory.table;
        loop {
            if let Some(slot) = table.find(plan.key) {
                if let Some(snapshot) = slot.read_for(plan.key) {
                    return Cow::Owned(State::Packed(plan.limits[0].living(snapshot.state, now)));
                }
            } else if table.is_vacant(plan.key) {
                return Cow::Borrowed(State::nothing());
            }
        }
    }
}
