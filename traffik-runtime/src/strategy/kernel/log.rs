//! Sliding logs: every hit of the last period.

use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::kernel::log_entries::Entries;
use crate::strategy::kernel::tick::EXACT;

/// Every hit of the last period. A hit is admitted iff the cost of all of them and its own stay
/// within the limit (L13).
///
/// A hit takes amortised constant time: its entry is added once and removed once, and the sum of
/// the entries is a difference of running totals. A hit of cost c that is refused finds its wait
/// among at most c entries, in O(log c) steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    limit: u64,
    nominal: u64,
    period: u64,
}

/// The entries that still count.
struct Live {
    /// The time of the decision: now, or that of the newest entry if the clock is behind it (L4).
    at: u64,
    /// The number of entries, from the oldest, that have expired.
    expired: usize,
    sum: u64,
}

impl Log {
    /// Makes the law of a rate with another limit than the rate's own.
    pub fn new(rate: Rate, limit: u64) -> Self {
        Self {
            limit,
            nominal: rate.limit(),
            period: rate.period_micros(),
        }
    }

    /// Returns the arguments of its twin in Lua.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> Vec<u64> {
        vec![self.nominal, self.period, self.limit]
    }

    /// Reports whether entries were written under this period.
    #[cfg(feature = "engine")]
    pub(crate) const fn has_written(&self, state: &Entries) -> bool {
        state.period() == self.period
    }

    /// Returns the largest number of entries of a state.
    #[cfg(any(feature = "memcached", feature = "redis"))]
    pub(super) const fn max_records(&self) -> u64 {
        self.limit
    }

    /// Returns the largest cost that is ever admitted.
    pub const fn max_cost(&self) -> u64 {
        self.limit
    }

    /// Returns one entry of the whole limit at `now` if the newest entry is more than a period
    /// ahead of the clock (L4).
    #[inline]
    pub(super) fn caught_up(&self, state: &Entries, now: u64) -> Option<Entries> {
        let newest = state.newest()?;
        (newest.saturating_sub(now) > self.period).then(|| self.full(now))
    }

    #[cold]
    fn full(&self, now: u64) -> Entries {
        Entries::of_hit(now, self.nominal, self.period)
    }

    /// Returns the number of entries that count, their cost, and the time of the oldest, at `now`.
    pub fn summary(&self, state: &Entries, now: u64) -> (usize, u64, Option<u64>) {
        let filled = self.caught_up(state, now);
        let state = filled.as_ref().unwrap_or(state);
        let live = self.live(state, now);
        let oldest = state.time(live.expired);
        (state.len() - live.expired, live.sum, oldest)
    }

    /// Reports whether a hit is admitted.
    pub(super) fn admits(&self, state: &Entries, now: u64, cost: u64) -> bool {
        let filled = self.caught_up(state, now);
        let state = filled.as_ref().unwrap_or(state);
        let sum = self.live(state, now).sum.checked_add(cost);
        sum.is_some_and(|sum| sum <= self.limit)
    }

    /// Adds a hit that was admitted.
    pub(super) fn count(&self, state: &mut Entries, now: u64, cost: u64) {
        if let Some(filled) = self.caught_up(state, now) {
            *state = filled;
        }
        let Live { at, expired, sum } = self.live(state, now);
        state.remove_oldest(expired);
        state.set_period(self.period);
        // Only a settlement can count more than fits.
        let cost = cost.min(EXACT.saturating_sub(sum));
        if cost > 0 {
            state.add(at, cost);
        }
    }

    /// Counts a hit of this cost, if it is admitted and the state is not far ahead of the clock,
    /// and reports on the state after it.
    #[cfg(feature = "engine")]
    pub(crate) fn hit(&self, state: &mut Entries, now: u64, cost: u64) -> Option<Report> {
        let newest = state.newest().unwrap_or(0);
        if newest.saturating_sub(now) > self.period {
            return None;
        }
        let Live { at, expired, sum } = self.live(state, now);
        let sum = sum.checked_add(cost).filter(|sum| *sum <= self.limit)?;
        state.remove_oldest(expired);
        state.set_period(self.period);
        state.add(at, cost);
        let live = Live {
            at,
            expired: 0,
            sum,
        };
        Some(self.report_live(state, &live, now, 0))
    }

    /// Reports how much remains, and how long a hit of this cost would wait.
    pub(super) fn report(&self, state: &Entries, now: u64, cost: u64) -> Report {
        let filled = self.caught_up(state, now);
        let state = filled.as_ref().unwrap_or(state);
        self.report_live(state, &self.live(state, now), now, cost)
    }

    #[inline]
    fn report_live(&self, state: &Entries, live: &Live, now: u64, cost: u64) -> Report {
        let remaining = self.limit.saturating_sub(live.sum);
        let wait = |cost: u64| {
            if cost <= remaining {
                Some(Duration::ZERO)
            } else {
                self.wait_for(state, live, now, cost)
            }
        };
        let newest = state.newest().filter(|_| live.sum > 0);
        Report {
            limit: self.limit,
            remaining,
            wait: wait(cost),
            next: wait(remaining + 1),
            reset: newest.map_or(Duration::ZERO, |at| self.until_expired(at, now)),
            delay: Duration::ZERO,
        }
    }

    /// Returns the time until enough entries have expired for a cost that does not fit now.
    fn wait_for(&self, state: &Entries, live: &Live, now: u64, cost: u64) -> Option<Duration> {
        let room = self.limit.checked_sub(cost)?;
        let last = state.first_reaching(live.sum - room, live.expired);
        let at = state.time(last)?;
        Some(self.until_expired(at, now))
    }

    fn until_expired(&self, at: u64, now: u64) -> Duration {
        Duration::from_micros(at + self.period - now)
    }

    #[inline]
    fn live(&self, state: &Entries, now: u64) -> Live {
        let at = state.newest().map_or(now, |newest| now.max(newest));
        let expired = match at.checked_sub(self.period) {
            Some(latest) => state.count_up_to(latest),
            None => 0,
        };
        Live {
            at,
            expired,
            sum: state.sum_from(expired),
        }
    }
}
