//! Extends the life of states that a refused hit has found written under another rate.
//!
//! A state of a shorter rate may end before the present rate stops needing it. The first refused
//! hit that finds it extends its life; a state in a slot [moves to the spill](super::move_to_spill)
//! for that, where its end is stored beside it.

use crate::store::key::Key;
use crate::store::lifetime::end_of;
use crate::store::memory::Memory;
use crate::store::memory::spill::Expiry;
use crate::store::plan::{Limit, Plan};
use crate::strategy::kernel::packed::Packed;
use crate::strategy::kernel::state::State;

impl Memory {
    /// Extends the state of a refused plan for as long as its rates need it.
    pub(crate) fn extend(&self, plan: &Plan<'_>, now: u64) {
        if let ([limit], true) = (&*plan.limits, plan.is_packed()) {
            if self.table.find(plan.key).is_some() {
                return self.extend_slot(plan.key, limit, now);
            }
            if !self.spill.may_hold_packed() {
                return;
            }
        }
        let mut shard = self.spill.lock(self.spill.shard_of(plan.key));
        let Some(entry) = shard.entry_mut(plan.key, now) else {
            return;
        };
        let extends = match &mut entry.state {
            State::List(list) => plan.lengthen(list, now),
            _ => true,
        };
        if extends {
            let needed = plan.needed(&entry.state, now);
            entry.extend(needed);
        }
    }

    /// Extends the state in a slot for as long as a rate needs it, which moves it to the spill.
    pub(crate) fn extend_slot(&self, key: Key, limit: &Limit, now: u64) {
        let snapshot = self.table.find(key).and_then(|slot| slot.read_for(key));
        let Some(snapshot) = snapshot else { return };
        if extended_end(limit, &snapshot.state, now).is_none() {
            return;
        }
        self.spill.mark_packed();
        let mut shard = self.spill.lock(self.spill.shard_of(key));
        let expiry = |state: &State| Expiry::of_report(&limit.law.report(state, now, 0), now);
        self.move_to_spill(&mut shard, key, expiry, now);
        if let Some(entry) = shard.entry_mut(key, now)
            && let Some(end) = extended_end(limit, entry.state.packed(), now)
        {
            entry.extend(end);
        }
    }
}

/// Returns the microsecond up to which a rate needs a state, if the state was written under another
/// rate and ends earlier.
fn extended_end(limit: &Limit, packed: &Packed, now: u64) -> Option<u64> {
    if limit.law.knows_end(packed) {
        return None;
    }
    let end = packed.expires();
    let reset = limit.law.report(&State::Packed(*packed), now, 0).reset;
    let needed = end_of(reset, now);
    (end > now && needed > end).then_some(needed)
}
