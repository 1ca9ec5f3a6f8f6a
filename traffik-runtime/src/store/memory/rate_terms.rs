//! The terms of rates that states were written under, each stored once and referred to by number.
//!
//! # Protocol
//!
//! A hash table without removals: the place of terms is their number. Terms are written under a
//! lock, and published by a release store of the word that makes their place count as occupied.
//! Looking terms up acquires that word. A thread that got a number from a slot needs no acquire
//! of its own: it acquired the slot's sequence number, which was released after the publication.
//!
//! The table is bounded, because rates may come from a database. Slots store terms that found no
//! room [beside the state](super::wide_state).

use std::sync::atomic::Ordering;

use crate::store::memory::sync::{AtomicU64, Mutex};
use crate::strategy::kernel::packed::{Kind, Packed};

/// The greatest number of terms.
#[cfg(not(all(test, traffik_loom)))]
pub(crate) const MAX_TERMS: usize = 2_048;

/// Few, because every place is an atomic of the model.
#[cfg(all(test, traffik_loom))]
pub(crate) const MAX_TERMS: usize = 2;

/// The number of places that terms may have.
const PROBES: usize = 16;

/// The terms that a state was written under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) kind: Kind,
    pub(crate) tick_power: u8,
    pub(crate) limit: u64,
    pub(crate) period: u64,
    pub(crate) ratio: CapacityRatio,
}

/// The capacity of a strategy as a multiple of its rate's limit: the bits of an `f32`. It does not
/// change when the rate does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CapacityRatio(u32);

/// All terms of a table, by number.
#[derive(Debug)]
pub(crate) struct TermsTable {
    /// The first place is none, so that no terms have the number 0.
    places: Box<[Place]>,
    writer: Mutex<()>,
}

/// A place for terms, vacant while its first word is 0.
#[derive(Debug, Default)]
struct Place {
    header: AtomicU64,
    limit: AtomicU64,
    period: AtomicU64,
}

const RATIO_AT: u32 = 16;
const POWER_AT: u32 = 8;
const OCCUPIED: u64 = 1 << 63;

impl CapacityRatio {
    pub(crate) const fn new(ratio: f32) -> Self {
        Self(ratio.to_bits())
    }

    /// Returns the capacity under a rate of this limit, at least 1: exact up to a million, above it
    /// never more than the strategy's and less by at most a millionth.
    #[allow(clippy::cast_sign_loss, reason = "a ratio is never negative")]
    pub(crate) fn capacity(self, limit: u64) -> u64 {
        // The ratio is a quotient of two rounded numbers: three errors of half a unit each.
        const BELOW: f64 = 1.0 - 2.0 * f32::EPSILON as f64;
        let capacity = limit as f64 * f64::from(f32::from_bits(self.0));
        ((capacity * BELOW).round() as u64).max(1)
    }
}

impl Terms {
    /// Returns the terms of a state.
    pub(crate) const fn of(state: &Packed, ratio: CapacityRatio) -> Self {
        Self {
            kind: state.kind,
            tick_power: state.tick_power,
            limit: state.limit,
            period: state.period,
            ratio,
        }
    }

    /// Returns the terms with these words.
    #[inline(always)]
    pub(crate) const fn from_words([header, limit, period]: [u64; 3]) -> Self {
        Self {
            kind: Kind::numbered(header as u8),
            tick_power: (header >> POWER_AT) as u8,
            limit,
            period,
            ratio: CapacityRatio((header >> RATIO_AT) as u32),
        }
    }

    /// Returns the terms in three words, the first of which is not 0.
    pub(crate) const fn words(&self) -> [u64; 3] {
        let header = self.kind as u64
            | (self.tick_power as u64) << POWER_AT
            | (self.ratio.0 as u64) << RATIO_AT
            | OCCUPIED;
        [header, self.limit, self.period]
    }
}

impl TermsTable {
    /// Creates a table for the terms of this many keys.
    pub(crate) fn new(keys: usize) -> Self {
        let terms = keys.min(MAX_TERMS).next_power_of_two();
        Self {
            places: (0..=terms).map(|_| Place::default()).collect(),
            writer: Mutex::default(),
        }
    }

    /// Returns the terms of a number; no terms for 0.
    #[inline(always)]
    pub(crate) fn get(&self, number: usize) -> Terms {
        match self.places.get(number) {
            Some(place) => Terms::from_words(place.words(Ordering::Relaxed)),
            None => Terms::default(),
        }
    }

    /// Returns the number of terms, or `None` if there is no room for them.
    pub(crate) fn number(&self, terms: &Terms) -> Option<usize> {
        let words = terms.words();
        match self.search(words, Ordering::Acquire)? {
            (number, true) => Some(number),
            _ => self.insert(words),
        }
    }

    #[cold]
    fn insert(&self, words: [u64; 3]) -> Option<usize> {
        let _writer = self.writer.lock();
        let (number, is_present) = self.search(words, Ordering::Acquire)?;
        if !is_present {
            let ([header, limit, period], place) = (words, &self.places[number]);
            place.limit.store(limit, Ordering::Relaxed);
            place.period.store(period, Ordering::Relaxed);
            place.header.store(header, Ordering::Release);
        }
        Some(number)
    }

    /// Returns the number of terms and `true`, or a vacant one and `false`.
    fn search(&self, words: [u64; 3], ordering: Ordering) -> Option<(usize, bool)> {
        let len = self.places.len() - 1;
        let start = hash(words) & (len - 1);
        for probe in 0..PROBES.min(len) {
            let number = 1 + ((start + probe) & (len - 1));
            match self.places[number].words(ordering) {
                [0, ..] => return Some((number, false)),
                stored if stored == words => return Some((number, true)),
                _ => {}
            }
        }
        None
    }
}

impl Place {
    #[inline(always)]
    fn words(&self, ordering: Ordering) -> [u64; 3] {
        // The header first: if it is not 0, the others were written before.
        let header = self.header.load(ordering);
        let limit = self.limit.load(Ordering::Relaxed);
        [header, limit, self.period.load(Ordering::Relaxed)]
    }
}

/// Returns a hash of words.
fn hash(words: [u64; 3]) -> usize {
    let mix =
        |hash: u64, word: u64| (hash.rotate_left(25) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (words.into_iter().fold(0, mix) >> 40) as usize
}

#[cfg(all(test, not(traffik_loom)))]
mod tests {
    use super::*;

    fn terms(limit: u64) -> Terms {
        Terms {
            kind: Kind::Meter,
            tick_power: 6,
            limit,
            period: limit.wrapping_mul(1_000_000),
            ratio: CapacityRatio::new(limit as f32),
        }
    }

    #[test]
    fn returns_the_terms_of_each_number() {
        let table = TermsTable::new(1_000_000);
        let limits = [1, 2, 5, 1 << 53, u64::MAX];
        let numbers = limits.map(|limit| table.number(&terms(limit)).expect("there is room"));
        for (limit, number) in limits.into_iter().zip(numbers) {
            assert_eq!(table.get(number), terms(limit));
            assert_eq!(table.number(&terms(limit)), Some(number));
        }
        assert_eq!(table.get(0), Terms::default());
    }

    #[test]
    fn has_room_for_a_bounded_number_of_terms() {
        for keys in [1, 64, 1_000_000] {
            let table = TermsTable::new(keys);
            let numbers: Vec<_> = (0..20_000)
                .map(|limit| table.number(&terms(limit)))
                .collect();
            let stored = numbers.iter().flatten().count();
            let max = keys.min(MAX_TERMS);
            assert!((max * 7 / 8..=max).contains(&stored), "{stored} of {max}");
            // Those with a number keep it, and the others have none.
            for (limit, number) in (0..).zip(numbers) {
                assert_eq!(table.number(&terms(limit)), number);
                assert!(number.is_none_or(|number| table.get(number) == terms(limit)));
            }
        }
    }

    #[test]
    fn capacities_are_close_to_those_of_the_strategy_and_not_above() {
        for limit in [1, 3, 5, 10, 1_000, 999_983, (1 << 40) + 7] {
            for capacity in [
                1,
                2,
                3,
                7,
                10,
                1_000,
                65_537,
                999_983,
                1 << 40,
                (1 << 50) - 1,
            ] {
                let ratio = CapacityRatio::new(capacity as f32 / limit as f32);
                let estimated = ratio.capacity(limit);
                assert!(
                    estimated <= capacity,
                    "{estimated} of {capacity} at {limit}"
                );
                let least = capacity - capacity / 1_000_000;
                assert!(estimated >= least, "{estimated} of {capacity} at {limit}");
            }
        }
    }
}
