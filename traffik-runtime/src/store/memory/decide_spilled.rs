//! Decides a single hit on a state that does not fit a slot: a log, or a level with a mean.
//!
//! # Protocol
//!
//! 1. Lock the key's spill shard, and look the key up once.
//! 2. Evaluate the hit on the state in place. Nothing is copied, so a hit takes as long as its
//!    kernel: amortised constant time, however many entries a log has.
//! 3. A refused hit is reported and writes nothing, except to
//!    [states that are far ahead of the clock](super::clock_skew) and the lives of those of changed
//!    rates.
//! 4. An admitted hit is counted in place.

use crate::decision::Report;
use crate::store::key::Key;
use crate::store::lifetime::end_of;
use crate::store::memory::Memory;
use crate::store::memory::clock_skew::corrected;
use crate::store::memory::optimistic::TimedCost;
use crate::store::memory::spill::{Entry, Expiry};
use crate::store::plan::Limit;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;

impl Memory {
    /// Decides on a state that does not fit a slot, with its spill shard locked.
    #[inline(never)]
    pub(crate) fn decide_spilled(
        &self,
        key: Key,
        limit: &Limit,
        hit: TimedCost<'_>,
        output: &mut Option<Report>,
    ) -> bool {
        let (law, now, cost) = (&limit.law, hit.at.now, hit.cost);
        let mut shard = self.spill.lock(self.spill.shard_of(key));
        if let Some(entry) = shard.entry_mut(key, now) {
            let is_admitted = self.decide_on_entry(entry, limit, hit, output);
            if is_admitted && cost > 0 {
                self.spill.sweep(&mut shard, now);
            }
            return is_admitted;
        }
        let nothing = State::nothing();
        if cost == 0 || !law.admits(nothing, now, cost) {
            *output = Some(law.report(nothing, now, cost));
            return cost == 0;
        }
        let entry = self.spill.entry_or_insert(&mut shard, key, now);
        *output = Some(count(entry, law, now, cost));
        true
    }

    /// Decides on the state in an entry of a locked shard.
    fn decide_on_entry(
        &self,
        entry: &mut Entry,
        limit: &Limit,
        hit: TimedCost<'_>,
        output: &mut Option<Report>,
    ) -> bool {
        let (law, now, cost) = (&limit.law, hit.at.now, hit.cost);
        if let (Law::Log(log), State::Log(entries)) = (law, &mut entry.state)
            && cost > 0
            && let Some(report) = log.hit(entries, now, cost)
        {
            entry.expiry = Expiry::of_report(&report, now);
            *output = Some(report);
            return true;
        }
        let before = limit.own(&entry.state, now);
        if cost > 0 && law.admits(before, now, cost) {
            if matches!(entry.state, State::List(_)) {
                // The throttle had several rates.
                let before = before.clone();
                entry.incarnation = entry.own_incarnation(limit);
                entry.state = before;
            }
            *output = Some(count(entry, law, now, cost));
            return true;
        }
        let report = law.report(before, now, cost);
        *output = Some(report);
        let correct = || corrected(hit.at, |now| law.caught_up(before, now));
        if let Some(full) = (cost > 0).then(correct).flatten() {
            entry.expiry = Expiry::of_report(&law.report(&full, now, 0), now);
            self.spill.replace(entry, full);
        } else if cost > 0 && limit.lengthen_own(&mut entry.state, report.reset, now) {
            entry.extend(end_of(report.reset, now));
        }
        cost == 0
    }
}

/// Counts a hit that the law admits, and returns the report on the state after it.
fn count(entry: &mut Entry, law: &Law, now: u64, cost: u64) -> Report {
    law.count(&mut entry.state, now, cost);
    let report = law.report(&entry.state, now, 0);
    entry.expiry = Expiry::of_report(&report, now);
    report
}

#[cfg(all(test, not(traffik_loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::inline_vec::InlineVec1;
    use crate::rate::Rate;
    use crate::store::memory::optimistic::decider;
    use crate::store::plan::{Plan, PlanLimits};
    use crate::strategy::kernel::log::Log;
    use crate::strategy::kernel::log_entries::tests::touched_by;
    use crate::strategy::sliding_log::SlidingLog;
    use crate::strategy::{Who, kernel};

    const KEY: Key = Key {
        first: 7,
        second: 9,
    };
    const LENGTHS: [u64; 3] = [10, 1_000, 100_000];

    /// Some hundred hits on a log with up to `length` entries of one microsecond each.
    struct Hits {
        memory: Memory,
        limits: InlineVec1<Limit>,
        now: u64,
    }

    impl Hits {
        /// Fills a log of this length, whose hits expire after twice the time.
        fn on_full_log(length: u64, rates: u64) -> Self {
            let limits = (1..=rates).map(|more| {
                let period = Duration::from_micros(2 * length * more);
                let rate = Rate::new(length * more, period);
                let law = kernel::Law::Log(Log::new(rate, rate.limit()));
                Limit { rate, law }
            });
            let mut hits = Self {
                memory: Memory::new(64, None),
                limits: limits.collect(),
                now: 1_000_000_000,
            };
            let admitted = (0..length).filter(|_| hits.hit(1)).count();
            assert_eq!(admitted as u64, length);
            hits
        }

        /// Hits at the next microsecond.
        fn hit(&mut self, cost: u64) -> bool {
            self.now += 1;
            let plan = Plan {
                key: KEY,
                name: String::new(),
                strategy: &SlidingLog,
                limits: PlanLimits::Same(&self.limits),
                cost,
                who: Who::default(),
                lease: 0,
            };
            if let [limit] = &*self.limits {
                let at = self.now.into();
                let hit = TimedCost { at, cost };
                return decider(&limit.law)(&self.memory, KEY, limit, &hit).admitted;
            }
            self.memory.decide_set(&[plan], self.now).unwrap().admitted
        }

        /// Returns the entries that a hit touches on average, over several hits.
        fn touched(&mut self, hits: u64, cost: u64, is_admitted: bool) -> f64 {
            let touched = touched_by(|| {
                for _ in 0..hits {
                    assert_eq!(self.hit(cost), is_admitted);
                }
            });
            touched as f64 / hits as f64
        }
    }

    #[test]
    fn touches_as_few_entries_of_a_long_log_as_of_a_short_one() {
        for rates in [1, 2] {
            let [short, medium, long] = LENGTHS.map(|length| {
                let mut log = Hits::on_full_log(length, rates);
                let refused = log.touched(length, 1, false);
                // From now on an entry expires every microsecond.
                let admitted = log.touched(length, 1, true);
                log.now += 2 * length * rates;
                let after_all_have_expired = log.touched(length, 1, true);
                [refused, admitted, after_all_have_expired]
            });
            for kind in 0..short.len() {
                let bound = short[kind] + 2.0;
                assert!(medium[kind] <= bound, "{kind}: {medium:?}, {short:?}");
                assert!(long[kind] <= bound, "{kind}: {long:?}, {short:?}");
            }
        }
    }

    #[test]
    fn searches_the_wait_of_a_large_cost_in_steps_that_double() {
        for length in LENGTHS {
            let touched = Hits::on_full_log(length, 1).touched(1, length, false);
            let steps = f64::from(length.ilog2());
            assert!(touched <= 30.0 + 5.0 * steps, "{length}: {touched}");
        }
    }
}
