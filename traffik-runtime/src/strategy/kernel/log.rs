//! Sliding logs: every hit of the last period.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::kernel::tick::EXACT;

/// Every hit of the last period. A hit is admitted iff the cost of all of them and its own stay
/// within the limit (L13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    limit: u64,
    nominal: u64,
    period: u64,
}

/// The admitted hits, oldest first; the hits of one microsecond are one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    records: VecDeque<(u64, u64)>,
    sum: u64,
    /// The period of the rate it was last written under, in microseconds.
    period: u64,
}

impl Entries {
    pub(super) const NONE: Self = Self {
        records: VecDeque::new(),
        sum: 0,
        period: 0,
    };

    /// Makes entries that were written under a rate of this period, or `None` if they are not in
    /// order or not entries.
    #[cfg(feature = "engine")]
    pub(crate) fn from_records(entries: VecDeque<(u64, u64)>, period: u64) -> Option<Self> {
        let costs = entries.iter().map(|(_, cost)| *cost);
        let sum = costs.clone().try_fold(0, u64::checked_add)?;
        let ordered = entries.iter().is_sorted_by(|(a, _), (b, _)| a < b);
        let counted = ordered && costs.clone().all(|cost| cost > 0);
        counted.then_some(Self {
            records: entries,
            sum,
            period,
        })
    }

    /// Returns the period it was written under, in microseconds.
    #[cfg(feature = "engine")]
    pub(crate) const fn period(&self) -> u64 {
        self.period
    }

    /// Returns the microsecond at which the newest entry expires under the rate it was written
    /// under.
    #[cfg(feature = "engine")]
    pub(super) fn expires(&self) -> u64 {
        let newest = self.records.back();
        newest.map_or(0, |(at, _)| at.saturating_add(self.period))
    }

    /// Subtracts a cost from the entry of a microsecond, and reports whether there is one.
    #[cfg(feature = "engine")]
    pub(super) fn refund(&mut self, at: u64, cost: u64) -> bool {
        let found = self.records.binary_search_by_key(&at, |(at, _)| *at);
        let Ok(place) = found else { return false };
        let refunded = cost.min(self.records[place].1);
        self.records[place].1 -= refunded;
        self.sum -= refunded;
        if self.records[place].1 == 0 {
            self.records.remove(place);
        }
        true
    }

    /// Returns the cost of all entries.
    #[cfg(feature = "engine")]
    pub(crate) const fn sum(&self) -> u64 {
        self.sum
    }

    /// Lists the time and the cost of each entry.
    #[cfg(feature = "engine")]
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (u64, u64)> + DoubleEndedIterator {
        self.records.iter().copied()
    }
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
        state.period == self.period
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
    pub(super) fn caught_up(&self, state: &Entries, now: u64) -> Option<Entries> {
        let (newest, _) = state.records.back()?;
        (newest.saturating_sub(now) > self.period).then(|| self.full(now))
    }

    #[cold]
    fn full(&self, now: u64) -> Entries {
        let limit = self.nominal;
        Entries {
            records: VecDeque::from([(now, limit)]),
            sum: limit,
            period: self.period,
        }
    }

    /// Returns the number of entries that count, their cost, and the time of the oldest, at `now`.
    pub fn summary(&self, state: &Entries, now: u64) -> (usize, u64, Option<u64>) {
        let filled = self.caught_up(state, now);
        let state = filled.as_ref().unwrap_or(state);
        let live = self.live(state, now);
        let oldest = state.records.get(live.expired).map(|(at, _)| *at);
        (state.records.len() - live.expired, live.sum, oldest)
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
        state.records.drain(..expired);
        // Only a settlement can count more than fits.
        let cost = cost.min(EXACT.saturating_sub(sum));
        state.sum = sum + cost;
        state.period = self.period;
        if cost == 0 {
            return;
        }
        match state.records.back_mut() {
            Some((newest, together)) if *newest == at => *together += cost,
            _ => state.records.push_back((at, cost)),
        }
    }

    /// Reports how much remains, and how long a hit of this cost would wait.
    pub(super) fn report(&self, state: &Entries, now: u64, cost: u64) -> Report {
        let filled = self.caught_up(state, now);
        let state = filled.as_ref().unwrap_or(state);
        let live = self.live(state, now);
        let remaining = self.limit.saturating_sub(live.sum);
        let wait = |cost: u64| {
            if cost <= remaining {
                Some(Duration::ZERO)
            } else {
                self.wait_for(state, &live, now, cost)
            }
        };
        let newest = state.records.back().filter(|_| live.sum > 0);
        Report {
            limit: self.limit,
            remaining,
            wait: wait(cost),
            next: wait(remaining + 1),
            reset: newest.map_or(Duration::ZERO, |(at, _)| self.until_expired(*at, now)),
            delay: Duration::ZERO,
        }
    }

    /// Returns the time until enough entries have expired for a cost that does not fit now.
    fn wait_for(&self, state: &Entries, live: &Live, now: u64, cost: u64) -> Option<Duration> {
        let room = self.limit.checked_sub(cost)?;
        let mut sum = live.sum;
        let mut entries = state.records.range(live.expired..);
        let last = entries.find(|(_, cost)| {
            sum -= cost;
            sum <= room
        });
        last.map(|(at, _)| self.until_expired(*at, now))
    }

    fn until_expired(&self, at: u64, now: u64) -> Duration {
        Duration::from_micros(at + self.period - now)
    }

    fn live(&self, state: &Entries, now: u64) -> Live {
        let at = state
            .records
            .back()
            .map_or(now, |(newest, _)| now.max(*newest));
        let expired = state
            .records
            .partition_point(|(made, _)| made + self.period <= at);
        let gone: u64 = state.records.range(..expired).map(|(_, cost)| cost).sum();
        Live {
            at,
            expired,
            sum: state.sum - gone,
        }
    }
}
