//! A segment of a probe table: slots, and beside each a tag of its key, by which lookups skip slots
//! of other keys.
//!
//! # Guarantee
//!
//! Tags change under the writer lock of the table, under which they are exact. A lookup without
//! that lock may see an old tag. It then finds a slot of another key, which reading the slot shows,
//! or none, as while a key is moved.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::store::key::Key;
use crate::store::memory::rate_terms::TermsTable;
use crate::store::memory::slot_words::SlotWords;
use crate::store::memory::sync::{AtomicU16, AtomicU64};
use crate::store::memory::wide_state::WideStates;

/// A part of a key's hash, from 1 to 254; 0 for no key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag(u8);

/// The largest tag of a key. The byte above it fills the last word of tags.
const MAX_TAG: u8 = 254;

/// The number of tags in a word.
const TAGS: usize = 8;

/// A word with the lowest bit of each byte set.
const LOWEST: u64 = u64::MAX / 255;

/// A word with the highest bit of each byte set.
const HIGHEST: u64 = LOWEST << 7;

/// Slots that are allocated together.
#[derive(Debug)]
pub(crate) struct Segment {
    slots: Box<[SlotWords]>,
    /// Eight tags a word, the first in the lowest byte.
    tags: Box<[AtomicU64]>,
    /// The incarnation of the state in each slot, guarded by the slot's sequence number. It differs
    /// from that of an earlier or later state of the key.
    pub(crate) incarnations: Box<[AtomicU16]>,
    pub(crate) wide_states: WideStates,
    pub(crate) terms: Arc<TermsTable>,
}

/// The end of a search in one segment.
pub(crate) enum Search {
    /// The slot at this offset seems to hold the key.
    Found(usize),
    /// A slot is vacant before any that holds the key, so the table does not hold it.
    Vacant,
    /// The search goes on in the next segment.
    Passed,
}

impl Segment {
    /// Creates a segment of vacant slots.
    pub(crate) fn new(slots: usize, terms: &Arc<TermsTable>) -> Self {
        let tags_of = |word: usize| {
            let tags = slots - word * TAGS;
            let filler = u64::MAX.checked_shl(8 * tags as u32).unwrap_or(0);
            AtomicU64::new(filler)
        };
        Self {
            slots: (0..slots).map(|_| SlotWords::default()).collect(),
            tags: (0..slots.div_ceil(TAGS)).map(tags_of).collect(),
            incarnations: (0..slots).map(|_| AtomicU16::new(0)).collect(),
            wide_states: WideStates::new(slots),
            terms: terms.clone(),
        }
    }

    /// Returns a slot, if the segment has so many.
    #[inline(always)]
    pub(crate) fn get(&self, offset: usize) -> Option<&SlotWords> {
        self.slots.get(offset)
    }

    /// Searches for a key from a slot on.
    #[inline]
    pub(crate) fn search(&self, offset: usize, key: Key) -> Search {
        let pattern = LOWEST * u64::from(Tag::of(key).0);
        let mut passed = passed_before(offset);
        for (word, tags) in self.tags.iter().enumerate().skip(offset / TAGS) {
            let tags = tags.load(Ordering::Relaxed) | passed;
            passed = 0;
            let vacant = zero_bytes(tags);
            // Only those before the first vacant slot.
            let mut equal = zero_bytes(tags ^ pattern) & before_lowest(vacant);
            while equal != 0 {
                let offset = word * TAGS + index_of(equal);
                if self.get(offset).is_some_and(|slot| slot.may_hold(key)) {
                    return Search::Found(offset);
                }
                equal &= equal - 1;
            }
            if vacant != 0 {
                return Search::Vacant;
            }
        }
        Search::Passed
    }

    /// Returns the first vacant slot from an offset on. The caller has the writer lock.
    pub(crate) fn first_vacant(&self, offset: usize) -> Option<usize> {
        let mut passed = passed_before(offset);
        let mut words = self.tags.iter().enumerate().skip(offset / TAGS);
        words.find_map(|(word, tags)| {
            let vacant = zero_bytes(tags.load(Ordering::Relaxed) | passed);
            passed = 0;
            (vacant != 0).then(|| word * TAGS + index_of(vacant))
        })
    }

    /// Returns the tag beside a slot.
    pub(crate) fn tag(&self, offset: usize) -> Tag {
        let word = self.tags[offset / TAGS].load(Ordering::Relaxed);
        Tag((word >> (8 * (offset % TAGS))) as u8)
    }

    /// Writes the tag beside a slot. The caller has the writer lock.
    pub(crate) fn set_tag(&self, offset: usize, Tag(tag): Tag) {
        let (word, shift) = (&self.tags[offset / TAGS], 8 * (offset % TAGS));
        let others = word.load(Ordering::Relaxed) & !(0xFF << shift);
        word.store(others | u64::from(tag) << shift, Ordering::Relaxed);
    }
}

impl Tag {
    /// The tag of a slot without a key.
    pub(crate) const VACANT: Self = Self(0);

    /// Returns the tag of a key: bits of its hash that a slot does not store.
    #[inline]
    pub(crate) fn of(key: Key) -> Self {
        Self((key.second as u8).clamp(1, MAX_TAG))
    }
}

/// Returns a mask of the tags in an offset's word that are before it.
#[inline]
const fn passed_before(offset: usize) -> u64 {
    (1 << (8 * (offset % TAGS))) - 1
}

/// Returns a word with the highest bit set of each byte that is zero, and perhaps of bytes above
/// the lowest of those.
#[inline]
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LOWEST) & !word & HIGHEST
}

/// Returns a mask of the bits below the lowest one that is set, or of all.
#[inline]
const fn before_lowest(word: u64) -> u64 {
    (word & word.wrapping_neg()).wrapping_sub(1)
}

/// Returns the index of the byte with the lowest bit that is set.
#[inline]
const fn index_of(word: u64) -> usize {
    word.trailing_zeros() as usize / 8
}

#[cfg(all(test, not(traffik_loom)))]
mod tests {
    use super::*;

    const fn key(number: u64) -> Key {
        Key {
            first: 1 + number,
            second: number,
        }
    }

    fn is_found(segment: &Segment, offset: usize, number: u64) -> bool {
        match segment.search(offset, key(number)) {
            Search::Found(found) => {
                segment.slots[found].first.load(Ordering::Relaxed) == 1 + number
            }
            Search::Vacant | Search::Passed => false,
        }
    }

    fn segment(slots: usize) -> Segment {
        Segment::new(slots, &Arc::new(TermsTable::new(1)))
    }

    fn occupy(segment: &Segment, offset: usize, number: u64) {
        let key = key(number);
        segment.slots[offset]
            .first
            .store(key.first, Ordering::Relaxed);
        segment.set_tag(offset, Tag::of(key));
    }

    /// Segments of all lengths around those of whole words, with keys of all tags.
    #[test]
    fn finds_each_key_up_to_the_first_vacant_slot() {
        for slots in 1..=19 {
            let segment = segment(slots);
            for offset in 0..slots {
                assert_eq!(segment.first_vacant(0), Some(offset), "{slots}");
                occupy(&segment, offset, 37 * offset as u64);
            }
            assert_eq!(segment.first_vacant(0), None, "{slots}");
            for from in 0..slots {
                for offset in 0..slots {
                    let found = is_found(&segment, from, 37 * offset as u64);
                    assert_eq!(found, offset >= from, "{offset} from {from} of {slots}");
                }
                let absent = segment.search(from, key(10_000));
                assert!(matches!(absent, Search::Passed), "{from} of {slots}");
            }
            segment.set_tag(slots / 2, Tag::VACANT);
            for offset in 0..slots {
                let found = is_found(&segment, 0, 37 * offset as u64);
                assert_eq!(found, offset < slots / 2, "{offset} of {slots}");
            }
            assert!(matches!(segment.search(0, key(10_000)), Search::Vacant));
        }
    }

    #[test]
    fn finds_keys_of_every_tag() {
        let segment = segment(256);
        for number in 0..256 {
            occupy(&segment, number, number as u64);
        }
        assert!((0..256).all(|number| is_found(&segment, 0, number)));
        // A tag alone is no key.
        assert!((256..512).all(|number| !is_found(&segment, 0, number)));
    }
}
