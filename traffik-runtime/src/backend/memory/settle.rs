//! How what was taken is settled: one plan after the other, each at once.

use super::Memory;
use super::boxed::Prospect;
use crate::backend::settle::Settling;
use crate::strategy::State;

impl Memory {
    pub(super) fn settle_all(&self, settling: &[Settling<'_>], now: u64) {
        for settling in settling {
            self.take_over(&settling.plan, now);
            if settling.plan.is_packed() {
                self.settle_packed(settling, now);
            } else {
                self.settle_boxed(settling, now);
            }
        }
    }

    fn settle_packed(&self, settling: &Settling<'_>, now: u64) {
        let key = settling.plan.key;
        loop {
            let Some(slot) = self.table.find(key) else {
                if settling.change.gives_back() {
                    if self.table.is_vacant(key) {
                        return;
                    }
                    continue;
                }
                let mut state = State::default();
                let _ = settling.apply(&mut state, now);
                let ratio = settling.plan.terms[0].capacity_ratio(now);
                if self.table.insert(key, state.packed(), ratio, now) {
                    return;
                }
                continue;
            };
            let Some(snapshot) = slot.read_as(key) else {
                continue;
            };
            let mut state = State::Packed(snapshot.state);
            if !settling.apply(&mut state, now) || slot.write_since(&snapshot, state.packed()) {
                return;
            }
        }
    }

    fn settle_boxed(&self, settling: &Settling<'_>, now: u64) {
        let Settling { plan, change, .. } = settling;
        let mut shard = self.boxed.lock(self.boxed.shard_of(plan.key));
        if change.gives_back() && shard.read(plan.key, now).is_none() {
            return;
        }
        if plan.terms.len() > 1 {
            self.boxed.note_list();
        }
        let entry = self.boxed.entry(&mut shard, plan.key, now);
        if !settling.apply(&mut entry.state, now) {
            return;
        }
        entry.prospect =
            Prospect::of_all(plan.reports(&entry.state, now), now).until(entry.state.expires());
    }
}
