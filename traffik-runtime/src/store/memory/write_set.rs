//! The writes of an admitted set to its locked states.
//!
//! # Protocol
//!
//! 1. Let the user's own strategies compute their new states and reports. They may panic, and
//!    nothing is written yet.
//! 2. Reserve an entry for each spilled state, those that exist first, so that no plan of the set
//!    evicts another's.
//! 3. Write the states in the order of the plans: of two hits on one key, the second continues from
//!    the first.
//! 4. Drop the [`LockedSet`], which unlocks the slots and then the shards.

use std::borrow::Cow;

use crate::inline_vec::InlineVec4;
use crate::store::memory::slot_locks::{LockedSet, RESERVED_MICROS};
use crate::store::memory::spill::Expiry;
use crate::store::outcome::{LimitReport, StoreOutcome};
use crate::store::plan::{Plan, Transition};
use crate::strategy::kernel::state::State;

/// The new state of a plan of a user's own strategy, and its reports.
type OwnResult = (State, InlineVec4<LimitReport>);

impl LockedSet<'_, '_> {
    /// Writes what all plans do to their states, unlocks them, and returns the reports.
    pub(crate) fn write(
        mut self,
        plans: &[Plan<'_>],
        steps: InlineVec4<InlineVec4<Transition>>,
        now: u64,
    ) -> StoreOutcome {
        let own = self.evaluate_own(plans, &steps, now);
        if plans.len() > 1 {
            self.reserve_entries(plans, now);
        }
        let mut reports = InlineVec4::new();
        for (index, ((plan, steps), own)) in plans.iter().zip(steps).zip(own).enumerate() {
            if plan.cost == 0 {
                reports.extend(plan.limit_reports(index, &self.read(plan, now), now));
            } else if let Some(slot) = self.slot(plan.key) {
                let mut state = State::Packed(slot.read().1);
                plan.apply(steps, &mut state, now);
                slot.update(state.packed());
                let incarnation = slot.incarnation().into();
                let own = plan.limit_reports(index, &state, now);
                reports.extend(own.map(|report| LimitReport {
                    incarnation,
                    ..report
                }));
            } else {
                reports.extend(self.write_spilled(plan, steps, own, (index, now)));
            }
        }
        StoreOutcome::admitted(now, reports)
    }

    /// Computes the new states of the user's own strategies.
    fn evaluate_own(
        &self,
        plans: &[Plan<'_>],
        steps: &[InlineVec4<Transition>],
        now: u64,
    ) -> InlineVec4<Option<OwnResult>> {
        let spill = &self.memory().spill;
        let evaluate = |(index, (plan, steps)): (usize, (&Plan<'_>, &InlineVec4<Transition>))| {
            plan.is_custom().then(|| {
                let mut after = self.read(plan, now).into_owned();
                plan.apply(steps.clone(), &mut after, now);
                after.set_missing_incarnations(|| spill.next_incarnation());
                let reports = plan.limit_reports(index, &after, now).collect();
                (after, reports)
            })
        };
        let plans = plans.iter().zip(steps).enumerate();
        plans.map(evaluate).collect()
    }

    /// Reserves an entry for each spilled state that is about to be written.
    fn reserve_entries(&mut self, plans: &[Plan<'_>], now: u64) {
        for exists in [true, false] {
            let spilled = plans.iter().filter(|plan| !plan.is_packed());
            for plan in spilled.filter(|plan| plan.cost > 0) {
                if self.has_spilled(plan, now) == exists
                    && let Some(entry) = self.spill_entry(plan.key, now)
                {
                    entry.expiry = Expiry::reserved(now + RESERVED_MICROS);
                }
            }
        }
    }

    fn write_spilled(
        &mut self,
        plan: &Plan<'_>,
        steps: InlineVec4<Transition>,
        own: Option<OwnResult>,
        (index, now): (usize, u64),
    ) -> InlineVec4<LimitReport> {
        let spill = &self.memory().spill;
        let Some(entry) = self.spill_entry(plan.key, now) else {
            return InlineVec4::new();
        };
        let reports = match own {
            Some((after, reports)) => {
                entry.state = after;
                reports
            }
            None => {
                if let Cow::Owned(living) = plan.living(Cow::Borrowed(&entry.state), now) {
                    entry.state = living;
                }
                plan.reshape(&mut entry.state, entry.incarnation);
                plan.apply(steps, &mut entry.state, now);
                entry
                    .state
                    .set_missing_incarnations(|| spill.next_incarnation());
                let reports = plan.limit_reports(index, &entry.state, now);
                match entry.state {
                    State::List(_) => reports.collect(),
                    _ => reports
                        .map(|report| LimitReport {
                            incarnation: entry.incarnation,
                            ..report
                        })
                        .collect(),
                }
            }
        };
        entry.expiry = Expiry::of_reports(reports.iter().map(|it| it.report), now);
        reports
    }
}
