use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::kernel::tick::EXACT;

/// Every hit of the last period: admitted iff their cost and the hit's stay within the limit (L13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    limit: u64,
    nominal: u64,
    period: u64,
}

/// The hits that were admitted, oldest first; those of one microsecond are one.
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

    /// Entries in their order, written under a rate of this period; anything else is none.
    #[cfg(feature = "engine")]
    pub(crate) fn of(entries: VecDeque<(u64, u64)>, period: u64) -> Option<Self> {
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

    /// The period it was written under.
    #[cfg(feature = "engine")]
    pub(crate) const fn period(&self) -> u64 {
        self.period
    }

    /// The microsecond at which the newest entry falls out under the rate it was written under.
    #[cfg(feature = "engine")]
    pub(super) fn expires(&self) -> u64 {
        let newest = self.records.back();
        newest.map_or(0, |(at, _)| at.saturating_add(self.period))
    }

    /// Subtracts a cost from the entry of a microsecond, and returns whether there is one.
    #[cfg(feature = "engine")]
    pub(super) fn refund(&mut self, at: u64, cost: u64) -> bool {
        let found = self.records.binary_search_by_key(&at, |(at, _)| *at);
        let Ok(place) = found else { return false };
        let given = cost.min(self.records[place].1);
        self.records[place].1 -= given;
        self.sum -= given;
        if self.records[place].1 == 0 {
            self.records.remove(place);
        }
        true
    }

    /// The cost of all.
    #[cfg(feature = "engine")]
    pub(crate) const fn sum(&self) -> u64 {
        self.sum
    }

    /// When each was made, and its cost.
    #[cfg(feature = "engine")]
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (u64, u64)> + DoubleEndedIterator {
        self.records.iter().copied()
    }
}

/// What of the entries still counts.
struct Live {
    /// The time of the decision: now, or that of the newest entry if the clock is behind it (L4).
    at: u64,
    /// How many of the oldest have fallen out.
    fallen: usize,
    sum: u64,
}

impl Log {
    /// The law of a rate, of whose limit this much may be taken.
    pub fn new(rate: Rate, limit: u64) -> Self {
        Self {
            limit,
            nominal: rate.limit(),
            period: rate.period_micros(),
        }
    }

    /// What its twin in Lua is told.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> Vec<u64> {
        vec![self.nominal, self.period, self.limit]
    }

    /// Whether entries were written under this period.
    #[cfg(feature = "engine")]
    pub(crate) const fn has_written(&self, state: &Entries) -> bool {
        state.period == self.period
    }

    /// How many entries it may come to hold.
    #[cfg(any(feature = "memcached", feature = "redis"))]
    pub(super) const fn longest(&self) -> u64 {
        self.limit
    }

    /// The largest cost.
    pub const fn max_cost(&self) -> u64 {
        self.limit
    }

    /// One entry of the whole limit at `now`, if the newest entry is more than a period ahead of the clock (L4).
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

    /// How many entries count, their cost, and when the oldest was made, at a time.
    pub fn summary(&self, state: &Entries, now: u64) -> (usize, u64, Option<u64>) {
        let filled = self.caught_up(state, now);
        let state = filled.as_ref().unwrap_or(state);
        let live = self.live(state, now);
        let oldest = state.records.get(live.fallen).map(|(at, _)| *at);
        (state.records.len() - live.fallen, live.sum, oldest)
    }

    pub(super) fn admits(&self, state: &Entries, now: u64, cost: u64) -> bool {
        let filled = self.caught_up(state, now);
        let state = filled.as_ref().unwrap_or(state);
        let sum = self.live(state, now).sum.checked_add(cost);
        sum.is_some_and(|sum| sum <= self.limit)
    }

    /// Writes a hit that was admitted down.
    pub(super) fn count(&self, state: &mut Entries, now: u64, cost: u64) {
        if let Some(filled) = self.caught_up(state, now) {
            *state = filled;
        }
        let Live { at, fallen, sum } = self.live(state, now);
        state.records.drain(..fallen);
        // Only what is settled later can take more than fits.
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

    pub(super) fn report(&self, state: &Entries, now: u64, cost: u64) -> Report {
        let filled = self.caught_up(state, now);
        let state = filled.as_ref().unwrap_or(state);
        let live = self.live(state, now);
        let remaining = self.limit.saturating_sub(live.sum);
        let wait = |cost: u64| {
            if cost <= remaining {
                Some(Duration::ZERO)
            } else {
                self.falls_to(state, &live, now, cost)
            }
        };
        let newest = state.records.back().filter(|_| live.sum > 0);
        Report {
            limit: self.limit,
            remaining,
            wait: wait(cost),
            next: wait(remaining + 1),
            reset: newest.map_or(Duration::ZERO, |(at, _)| self.until_fallen(*at, now)),
            delay: Duration::ZERO,
        }
    }

    /// The time until enough has fallen out for a cost that does not fit now.
    fn falls_to(&self, state: &Entries, live: &Live, now: u64, cost: u64) -> Option<Duration> {
        let room = self.limit.checked_sub(cost)?;
        let mut sum = live.sum;
        let mut entries = state.records.range(live.fallen..);
        let last = entries.find(|(_, cost)| {
            sum -= cost;
            sum <= room
        });
        last.map(|(at, _)| self.until_fallen(*at, now))
    }

    fn until_fallen(&self, at: u64, now: u64) -> Duration {
        Duration::from_micros(at + self.period - now)
    }

    fn live(&self, state: &Entries, now: u64) -> Live {
        let at = state
            .records
            .back()
            .map_or(now, |(newest, _)| now.max(*newest));
        let fallen = state
            .records
            .partition_point(|(made, _)| made + self.period <= at);
        let gone: u64 = state.records.range(..fallen).map(|(_, cost)| cost).sum();
        Live {
            at,
            fallen,
            sum: state.sum - gone,
        }
    }
}
