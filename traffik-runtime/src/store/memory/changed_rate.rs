//! Decides a single hit on a slot whose state was written under another rate.

use crate::decision::Report;
use crate::store::key::Key;
use crate::store::memory::Memory;
use crate::store::memory::clock_skew::corrected;
use crate::store::memory::optimistic::{TimedCost, admitted_report};
use crate::store::memory::seqlock_slot::{Slot, Snapshot};
use crate::store::plan::Limit;
use crate::strategy::kernel::state::State;

impl Memory {
    /// Decides on a snapshot of a slot, or returns `None` if the slot was written since.
    #[cold]
    #[inline(never)]
    pub(crate) fn decide_changed_rate(
        &self,
        (slot, snapshot): (Slot<'_>, Snapshot),
        key: Key,
        limit: &Limit,
        hit: TimedCost<'_>,
        output: &mut Option<Report>,
    ) -> Option<bool> {
        let (law, now, cost) = (&limit.law, hit.at.now, hit.cost);
        let before = limit.living(snapshot.state, now);
        let decide = || law.decide_packed(&before, now, cost);
        let Some(after) = (cost > 0).then(decide).flatten() else {
            let before = State::Packed(before);
            let correct = || corrected(hit.at, |now| law.caught_up(&before, now));
            if let Some(full) = (cost > 0).then(correct).flatten() {
                let incarnation = self.table.next_incarnation(key);
                if !slot.replace_if_unchanged(&snapshot, full.packed(), incarnation) {
                    return None;
                }
            } else if cost > 0 {
                self.extend_slot(key, limit, now);
            }
            *output = Some(law.report(&before, now, cost));
            return Some(cost == 0);
        };
        if !slot.write_if_unchanged(&snapshot, &after) {
            return None;
        }
        *output = Some(admitted_report(law, after, hit));
        Some(true)
    }
}
