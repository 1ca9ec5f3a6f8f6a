//! How what was taken is settled: one plan after the other, each at once.

use std::borrow::Cow;

use super::Memory;
use super::boxed::{Prospect, Shard};
use super::slot_permit::SlotPermit;
use crate::backend::settle::Settling;
use crate::strategy::State;

impl Memory {
    pub(super) fn settle_all(&self, settling: &[Settling<'_>], now: u64) {
        for settling in settling {
            let plan = &settling.plan;
            let permit = SlotPermit::of_unmarked(&self.boxed);
            if plan.is_packed() && permit.is_valid() && self.settle_packed(settling, permit, now) {
                continue;
            }
            if plan.terms.len() > 1 {
                self.boxed.mark_packed();
            }
            let mut shard = self.boxed.lock(self.boxed.shard_of(plan.key));
            if shard.read(plan.key, now).is_none() {
                if plan.is_packed() {
                    self.settle_packed(settling, SlotPermit::of_locked(&shard), now);
                    continue;
                }
                if plan.terms.len() > 1 {
                    self.move_plan_to_spill(plan, &mut shard, now);
                }
            }
            self.settle_boxed(settling, &mut shard, now);
        }
    }

    /// Settles in a slot, and returns whether that is done: not if a slot would have to be made, and something is against it,
    /// or might be.
    fn settle_packed(&self, settling: &Settling<'_>, permit: SlotPermit<'_>, now: u64) -> bool {
        let key = settling.plan.key;
        loop {
            let Some(slot) = self.table.find(key) else {
                if settling.change.gives_back() {
                    if self.table.is_vacant(key) {
                        return permit.is_valid();
                    }
                    continue;
                }
                let mut state = State::default();
                let _ = settling.apply(&mut state, now);
                let ratio = settling.plan.terms[0].capacity_ratio(now);
                let slot = (key, state.packed(), ratio);
                if self.table.try_insert(permit, slot, now) {
                    return true;
                }
                if !permit.is_valid() {
                    return false;
                }
                continue;
            };
            let Some((snapshot, made)) = slot.read_numbered(key) else {
                continue;
            };
            if !settling.applies_to(made.into()) {
                return true;
            }
            let living = settling.plan.terms[0].living(snapshot.state, now);
            let mut state = State::Packed(living);
            if !settling.apply(&mut state, now) || slot.write_since(&snapshot, state.packed()) {
                return true;
            }
        }
    }

    fn settle_boxed(&self, settling: &Settling<'_>, shard: &mut Shard, now: u64) {
        let Settling { plan, change, .. } = settling;
        let before = shard.find(plan.key, now);
        if change.gives_back() && before.is_none() {
            return;
        }
        // What a refusal has lengthened (L30) stays so.
        let until = before.map_or(0, |entry| entry.prospect.expires);
        let entry = self.boxed.entry(shard, plan.key, now);
        if let Cow::Owned(living) = plan.living(Cow::Borrowed(&entry.state), now) {
            entry.state = living;
        }
        if !change.gives_back() {
            plan.align(&mut entry.state, entry.made);
        }
        let is_list = matches!(entry.state, State::List(_));
        if !(is_list || settling.applies_to(entry.made)) || !settling.apply(&mut entry.state, now) {
            return;
        }
        entry.state.number_new(|| self.boxed.next_number());
        entry.prospect = Prospect::of_all(plan.reports(&entry.state, now), now)
            .until(entry.state.expires().max(until));
    }
}
