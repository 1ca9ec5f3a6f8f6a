//! Settles reservations: one plan after the other, each at once.

use std::borrow::Cow;

use crate::store::memory::Memory;
use crate::store::memory::slot_permit::SlotPermit;
use crate::store::memory::spill::{Expiry, SpillShard};
use crate::store::settlement::Settlement;
use crate::strategy::kernel::state::State;

impl Memory {
    /// Applies each settlement to its state.
    pub(crate) fn settle_each(&self, settlements: &[Settlement<'_>], now: u64) {
        for settlement in settlements {
            let plan = &settlement.plan;
            let permit = SlotPermit::of_unmarked(&self.spill);
            if plan.is_packed() && permit.is_valid() && self.settle_in_slot(settlement, permit, now)
            {
                continue;
            }
            if plan.limits.len() > 1 {
                self.spill.mark_packed();
            }
            let mut shard = self.spill.lock(self.spill.shard_of(plan.key));
            if shard.state(plan.key, now).is_none() {
                if plan.is_packed() {
                    self.settle_in_slot(settlement, SlotPermit::of_locked(&shard), now);
                    continue;
                }
                if plan.limits.len() > 1 {
                    self.move_plan_to_spill(plan, &mut shard, now);
                }
            }
            self.settle_in_spill(settlement, &mut shard, now);
        }
    }

    /// Settles in a slot, and returns `true` if that is done: not if the key has no slot and the
    /// permit has ended.
    fn settle_in_slot(
        &self,
        settlement: &Settlement<'_>,
        permit: SlotPermit<'_>,
        now: u64,
    ) -> bool {
        let key = settlement.plan.key;
        loop {
            let Some(slot) = self.table.find(key) else {
                if settlement.adjustment.is_refund() {
                    if self.table.is_vacant(key) {
                        return permit.is_valid();
                    }
                    continue;
                }
                let mut state = State::default();
                let _ = settlement.apply(&mut state, now);
                let ratio = settlement.plan.limits[0].capacity_ratio(now);
                let slot = (key, state.packed(), ratio);
                if self.table.try_insert(permit, slot, now) {
                    return true;
                }
                if !permit.is_valid() {
                    return false;
                }
                continue;
            };
            let Some((snapshot, incarnation)) = slot.read_with_incarnation(key) else {
                continue;
            };
            if !settlement.applies_to(incarnation.into()) {
                return true;
            }
            let living = settlement.plan.limits[0].living(snapshot.state, now);
            let mut state = State::Packed(living);
            if !settlement.apply(&mut state, now)
                || slot.write_if_unchanged(&snapshot, state.packed())
            {
                return true;
            }
        }
    }

    /// Settles in a locked shard of the spill.
    fn settle_in_spill(&self, settlement: &Settlement<'_>, shard: &mut SpillShard, now: u64) {
        let Settlement {
            plan, adjustment, ..
        } = settlement;
        let before = shard.entry_mut(plan.key, now);
        if adjustment.is_refund() && before.is_none() {
            return;
        }
        // A life that a refusal has extended stays extended.
        let until = before.map_or(0, |entry| entry.expiry.at);
        let entry = self.spill.entry_or_insert(shard, plan.key, now);
        if let Cow::Owned(living) = plan.living(Cow::Borrowed(&entry.state), now) {
            entry.state = living;
        }
        if !adjustment.is_refund() {
            plan.reshape(&mut entry.state, entry.incarnation);
        }
        let is_list = matches!(entry.state, State::List(_));
        if !(is_list || settlement.applies_to(entry.incarnation))
            || !settlement.apply(&mut entry.state, now)
        {
            return;
        }
        entry
            .state
            .set_missing_incarnations(|| self.spill.next_incarnation());
        entry.expiry = Expiry::of_reports(plan.reports(&entry.state, now), now)
            .extended_to(entry.state.expires().max(until));
    }
}
