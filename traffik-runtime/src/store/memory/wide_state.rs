//! States in full words, for the rare ones that do not fit the words of a slot.
//!
//! Those are times after the year 2112, counts of two windows above 2^32, and states of rates whose
//! [terms](super::rate_terms) found no room. Their words are allocated for some hundred slots at a
//! time, when the first of them is needed, and stay. The slot's sequence number guards them.

use std::sync::atomic::Ordering;

use crate::store::memory::rate_terms::{CapacityRatio, Terms};
use crate::store::memory::sync::{AtomicU64, OnceLock};
use crate::strategy::kernel::packed::Packed;

/// The number of slots whose words are allocated together.
const CHUNK: usize = 256;

/// A place for the words of one state.
pub(crate) type WideWords = [AtomicU64; 6];

/// The places for the wide states of a segment.
#[derive(Debug)]
pub(crate) struct WideStates {
    slots: usize,
    chunks: Box<[OnceLock<Box<[WideWords]>>]>,
}

impl WideStates {
    /// Creates places for so many slots.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots,
            chunks: (0..slots.div_ceil(CHUNK))
                .map(|_| OnceLock::new())
                .collect(),
        }
    }

    /// Reads the words of a slot's state.
    pub(crate) fn read(&self, offset: usize) -> [u64; 6] {
        let words = self.chunks[offset / CHUNK].get();
        words.map_or([0; 6], |chunk| {
            std::array::from_fn(|word| chunk[offset % CHUNK][word].load(Ordering::Relaxed))
        })
    }

    /// Writes the words of a slot's state. The caller has locked the slot.
    pub(crate) fn write(&self, offset: usize, words: [u64; 6]) {
        let start = offset / CHUNK * CHUNK;
        let slots = CHUNK.min(self.slots - start);
        let vacant = |_| std::array::from_fn(|_| AtomicU64::new(0));
        let chunk = self.chunks[offset / CHUNK].get_or_init(|| (0..slots).map(vacant).collect());
        for (place, word) in chunk[offset - start].iter().zip(words) {
            place.store(word, Ordering::Relaxed);
        }
    }
}

/// Returns the words of a state.
pub(crate) fn to_words(state: &Packed, ratio: CapacityRatio) -> [u64; 6] {
    let [header, limit, period] = Terms::of(state, ratio).words();
    [header, limit, period, state.at, state.amount, state.extra]
}

/// Returns the state with these words, and its ratio.
#[inline(always)]
pub(crate) fn from_words(words: [u64; 6]) -> (Packed, CapacityRatio) {
    let [header, limit, period, at, amount, extra] = words;
    let terms = Terms::from_words([header, limit, period]);
    let state = Packed {
        kind: terms.kind,
        tick_power: terms.tick_power,
        limit,
        period,
        at,
        amount,
        extra,
    };
    (state, terms.ratio)
}
