//! The entries of a sliding log, with running totals of their costs.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The admitted hits, oldest first; the hits of one microsecond are one entry.
///
/// Each entry stores the total of all costs up to its own, so the cost of any run of entries is one
/// subtraction. Expired entries are removed from the front, each once. Searches start at the front
/// with doubling steps: finding the end of the first `n` entries reads O(log n) of them, so a step
/// that finds nothing to do reads one, however long the log is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Listing", into = "Listing")]
pub struct Entries {
    /// The time of each entry, and the total of the costs up to it. Totals wrap: only their
    /// differences matter.
    records: VecDeque<(u64, u64)>,
    /// The total before the oldest entry.
    start: u64,
    /// The period of the rate it was last written under, in microseconds.
    period: u64,
}

impl Entries {
    pub(super) const NONE: Self = Self {
        records: VecDeque::new(),
        start: 0,
        period: 0,
    };

    /// Makes entries that were written under a rate of this period, from the time of each and the
    /// total of the costs up to it; `start` is the total before the first. Returns `None` if they
    /// are not in order or not entries.
    #[cfg(feature = "engine")]
    pub(crate) fn from_totals(
        records: VecDeque<(u64, u64)>,
        start: u64,
        period: u64,
    ) -> Option<Self> {
        let grows = records.front().is_none_or(|(_, total)| *total > start)
            && records.iter().is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1);
        grows.then_some(Self {
            records,
            start,
            period,
        })
    }

    /// Replaces the cost of each record by the total up to it.
    fn totalled(mut records: VecDeque<(u64, u64)>, period: u64) -> Self {
        let mut total = 0_u64;
        for (_, cost) in &mut records {
            total = total.wrapping_add(*cost);
            *cost = total;
        }
        Self {
            records,
            start: 0,
            period,
        }
    }

    /// Makes the entries of a single hit.
    pub(super) fn of_hit(at: u64, cost: u64, period: u64) -> Self {
        Self {
            records: VecDeque::from([(at, cost)]),
            start: 0,
            period,
        }
    }

    /// Returns the period it was written under, in microseconds.
    #[cfg(feature = "engine")]
    pub(crate) const fn period(&self) -> u64 {
        self.period
    }

    /// Sets the period it is written under.
    pub(super) fn set_period(&mut self, period: u64) {
        self.period = period;
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns the time of an entry, counted from the oldest.
    pub(super) fn time(&self, place: usize) -> Option<u64> {
        self.record(place).map(|(at, _)| at)
    }

    /// Returns the time of the newest entry.
    pub(super) fn newest(&self) -> Option<u64> {
        self.time(self.records.len().checked_sub(1)?)
    }

    /// Returns the microsecond at which the newest entry expires under the rate it was written
    /// under.
    #[cfg(feature = "engine")]
    pub(super) fn expires(&self) -> u64 {
        let newest = self.newest();
        newest.map_or(0, |at| at.saturating_add(self.period))
    }

    /// Removes the entries that had expired when the newest was added.
    #[cfg(feature = "engine")]
    pub(crate) fn remove_expired(&mut self) {
        let latest = self.newest().and_then(|at| at.checked_sub(self.period));
        if let Some(latest) = latest {
            self.remove_oldest(self.count_up_to(latest));
        }
    }

    /// Returns the cost of all entries.
    pub(crate) fn sum(&self) -> u64 {
        self.sum_from(0)
    }

    /// Returns the cost of the entries from this place on.
    pub(super) fn sum_from(&self, place: usize) -> u64 {
        let all = self.total_before(self.records.len());
        all.wrapping_sub(self.total_before(place))
    }

    /// Returns the number of entries up to this time, counted from the oldest.
    pub(super) fn count_up_to(&self, time: u64) -> usize {
        self.leading(0, |(at, _)| at <= time)
    }

    /// Returns the first entry, from a place on, up to which the entries cost at least this much.
    pub(super) fn first_reaching(&self, cost: u64, from: usize) -> usize {
        let before = self.total_before(from);
        self.leading(from, |(_, total)| total.wrapping_sub(before) < cost)
    }

    /// Removes this number of entries from the oldest on.
    pub(super) fn remove_oldest(&mut self, count: usize) {
        self.start = self.total_before(count);
        self.records.drain(..count);
        touch(count);
    }

    /// Adds a cost at a time that is not before the newest entry.
    pub(super) fn add(&mut self, at: u64, cost: u64) {
        touch(1);
        let start = self.start;
        let total = match self.records.back_mut() {
            Some((newest, total)) if *newest == at => {
                *total = total.wrapping_add(cost);
                return;
            }
            Some((_, total)) => *total,
            None => start,
        };
        self.records.push_back((at, total.wrapping_add(cost)));
    }

    /// Subtracts a cost from the entry of a microsecond, and reports whether there is one. Writes
    /// the entries on one side of it: those since the hit, or those before it if they are fewer.
    #[cfg(feature = "engine")]
    pub(super) fn refund(&mut self, at: u64, cost: u64) -> bool {
        let found = self.records.binary_search_by_key(&at, |(at, _)| *at);
        let Ok(place) = found else { return false };
        let before = self.total_before(place);
        let own = self.records[place].1.wrapping_sub(before);
        let refunded = cost.min(own);
        if place < self.records.len() / 2 {
            self.start = self.start.wrapping_add(refunded);
            for (_, total) in self.records.range_mut(..place) {
                *total = total.wrapping_add(refunded);
            }
        } else {
            for (_, total) in self.records.range_mut(place..) {
                *total = total.wrapping_sub(refunded);
            }
        }
        if refunded == own {
            self.records.remove(place);
        }
        true
    }

    /// Lists the time and the cost of each entry.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (u64, u64)> + DoubleEndedIterator {
        let cost = |place: usize| {
            let (at, total) = self.records[place];
            (at, total.wrapping_sub(self.total_before(place)))
        };
        (0..self.records.len()).map(cost)
    }

    /// Returns the total of the costs before a place.
    fn total_before(&self, place: usize) -> u64 {
        let earlier = place.checked_sub(1).and_then(|place| self.record(place));
        earlier.map_or(self.start, |(_, total)| total)
    }

    /// Returns the place of the first entry, from a place on, for which a condition that holds for
    /// entries up to some place and for none after it does not hold.
    fn leading(&self, from: usize, holds: impl Fn((u64, u64)) -> bool) -> usize {
        let is_before = |place: usize| self.record(place).is_some_and(&holds);
        let (mut low, mut step) = (from, 1);
        while is_before(low + step - 1) {
            low += step;
            step *= 2;
        }
        // The place is within the last step: after `low` entries, before `low + step`.
        let mut high = self.records.len().min(low + step - 1);
        while low < high {
            let middle = low.midpoint(high);
            if is_before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn record(&self, place: usize) -> Option<(u64, u64)> {
        touch(1);
        self.records.get(place).copied()
    }
}

/// Compares times and costs: totals may count from different starts.
impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        self.period == other.period && self.iter().eq(other.iter())
    }
}

impl Eq for Entries {}

/// The serialised form: costs instead of totals.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Entries")]
struct Listing {
    records: VecDeque<(u64, u64)>,
    sum: u64,
    period: u64,
}

impl From<Listing> for Entries {
    fn from(listing: Listing) -> Self {
        Self::totalled(listing.records, listing.period)
    }
}

impl From<Entries> for Listing {
    fn from(entries: Entries) -> Self {
        Self {
            records: entries.iter().collect(),
            sum: entries.sum(),
            period: entries.period,
        }
    }
}

/// Counts entries that are read or written, for tests of the work that a hit takes.
#[cfg(not(test))]
#[inline(always)]
const fn touch(_: usize) {}

#[cfg(test)]
use tests::touch;

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static TOUCHED: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn touch(entries: usize) {
        TOUCHED.set(TOUCHED.get() + entries);
    }

    /// Returns the number of entries that an action of this thread reads or writes.
    pub(crate) fn touched_by(action: impl FnOnce()) -> usize {
        let before = TOUCHED.get();
        action();
        TOUCHED.get() - before
    }

    fn entries(records: &[(u64, u64)]) -> Entries {
        let mut entries = Entries::NONE;
        for (at, cost) in records {
            entries.add(*at, *cost);
        }
        entries
    }

    #[test]
    fn subtracts_a_refund_from_its_own_entry_only() {
        let records = [(1, 5), (2, 6), (4, 7), (9, 8)];
        for place in 0..records.len() {
            for refunded in 1..9 {
                // A log that has lost its oldest entries has totals that start higher.
                let mut refunds = entries(&[&[(0, 3)], &records[..]].concat());
                refunds.remove_oldest(1);
                assert!(refunds.refund(records[place].0, refunded));
                let mut expected = records.to_vec();
                expected[place].1 = expected[place].1.saturating_sub(refunded);
                expected.retain(|(_, cost)| *cost > 0);
                assert_eq!(refunds.iter().collect::<Vec<_>>(), expected);
                let sum: u64 = expected.iter().map(|(_, cost)| cost).sum();
                assert_eq!(refunds.sum(), sum);
            }
        }
        assert!(!entries(&records).refund(3, 1));
    }

    #[test]
    fn finds_places_as_a_scan_does() {
        for length in 0..40_u64 {
            let records: Vec<_> = (0..length).map(|it| (2 * it, 1 + it % 3)).collect();
            let entries = entries(&records);
            for time in 0..2 * length + 2 {
                let scanned = records.iter().filter(|(at, _)| *at <= time).count();
                assert_eq!(entries.count_up_to(time), scanned);
            }
            for from in 0..records.len() {
                for cost in 1..=entries.sum_from(from) {
                    let mut sum = 0;
                    let reaches = |(_, own): &(u64, u64)| {
                        sum += own;
                        sum >= cost
                    };
                    let scanned = records[from..].iter().position(reaches).unwrap();
                    assert_eq!(entries.first_reaching(cost, from), from + scanned);
                }
            }
        }
    }

    #[test]
    fn keeps_its_sums_when_totals_wrap() {
        let mut entries = Entries {
            start: u64::MAX - 3,
            ..Entries::NONE
        };
        (0..4).for_each(|at| entries.add(at, 2));
        assert_eq!((entries.sum(), entries.sum_from(3)), (8, 2));
        assert_eq!(entries.first_reaching(5, 0), 2);
        assert!(entries.refund(0, 1) && entries.refund(3, 2));
        assert_eq!(entries.iter().collect::<Vec<_>>(), [(0, 1), (1, 2), (2, 2)]);
    }

    #[test]
    fn serialises_costs() {
        let mut log = entries(&[(1, 5), (2, 6)]);
        log.remove_oldest(1);
        log.set_period(7);
        let json = serde_json::to_string(&log).unwrap();
        assert_eq!(json, r#"{"records":[[2,6]],"sum":6,"period":7}"#);
        assert_eq!(serde_json::from_str::<Entries>(&json).unwrap(), log);
    }
}
