//! The words of a slot, and how a key and a state are packed into them.
//!
//! | word | bits |
//! |---|---|
//! | `first` | the first word of the key, 0 if the slot is vacant |
//! | `lock` | 32 bits of the key, then 32 of the sequence number |
//! | `time` | 12 bits of the number of the rate's terms, then 52 of the time |
//! | `amounts` | the counted numbers: one of 64 bits, two of 32, or one of 43 and one of 21 |
//!
//! So 96 bits of a key are stored, 84 of which distinguish clients of one throttle. Two among a
//! million clients have all bits in common with a probability of 1 in 10^13.

use std::sync::atomic::Ordering;

use crate::store::key::Key;
use crate::store::memory::rate_terms::{MAX_TERMS, Terms};
use crate::store::memory::sync::AtomicU64;
use crate::strategy::kernel::packed::{Kind, Packed};

/// The words of a slot, two of which fill a cache line.
#[derive(Debug, Default)]
#[repr(align(32))]
pub(crate) struct SlotWords {
    pub(crate) first: AtomicU64,
    pub(crate) lock: AtomicU64,
    pub(crate) time: AtomicU64,
    pub(crate) amounts: AtomicU64,
}

/// The bits of the lock that are part of the key.
pub(crate) const KEY_BITS: u64 = u64::MAX << 32;

/// The number of bits for the time.
const TIME_BITS: u32 = 52;
const TIME: u64 = (1 << TIME_BITS) - 1;

/// The number of bits of an adaptive window's share and cut.
const SHARE_BITS: u32 = 21;

/// The number that stands for terms beside the state, which is [wide](super::wide_state).
pub(crate) const WIDE: usize = (1 << (u64::BITS - TIME_BITS)) - 1;

/// The words `time` and `amounts` of a wide state.
pub(crate) const WIDE_WORDS: [u64; 2] = [(WIDE as u64) << TIME_BITS, 0];

const _: () = assert!(MAX_TERMS < WIDE, "numbers of terms fit their bits");

impl SlotWords {
    /// Returns `true` if the slot seems to hold this key.
    #[inline(always)]
    pub(crate) fn may_hold(&self, key: Key) -> bool {
        let first = self.first.load(Ordering::Relaxed) ^ key.first;
        let lock = self.lock.load(Ordering::Relaxed) ^ key.second;
        first | (lock & KEY_BITS) == 0
    }
}

/// Returns the number of the terms of a state, or [`WIDE`].
#[inline(always)]
pub(crate) const fn number(time: u64) -> usize {
    (time >> TIME_BITS) as usize
}

/// Returns the words `time` and `amounts` for a state whose terms have a number, if it fits them.
#[inline(always)]
pub(crate) fn pack(state: &Packed, number: usize) -> Option<[u64; 2]> {
    let Packed { amount, extra, .. } = *state;
    let amounts = match state.kind {
        Kind::Nothing | Kind::Window | Kind::Meter => (extra == 0).then_some(amount)?,
        Kind::Counter | Kind::Rollover => {
            let fits = (amount | extra) >> u32::BITS == 0;
            fits.then_some(amount << u32::BITS | extra)?
        }
        Kind::Adaptive => {
            let fits = extra >> SHARE_BITS == 0 && amount.leading_zeros() >= SHARE_BITS;
            fits.then_some(amount << SHARE_BITS | extra)?
        }
    };
    (state.at <= TIME).then_some([state.at | (number as u64) << TIME_BITS, amounts])
}

/// Returns the state of the words `time` and `amounts`, under the terms of its number.
#[inline(always)]
pub(crate) const fn unpack([time, amounts]: [u64; 2], terms: &Terms) -> Packed {
    let (amount, extra) = match terms.kind {
        Kind::Nothing | Kind::Window | Kind::Meter => (amounts, 0),
        Kind::Counter | Kind::Rollover => (amounts >> u32::BITS, amounts & u32::MAX as u64),
        Kind::Adaptive => (amounts >> SHARE_BITS, amounts & ((1 << SHARE_BITS) - 1)),
    };
    Packed {
        kind: terms.kind,
        tick_power: terms.tick_power,
        limit: terms.limit,
        period: terms.period,
        at: time & TIME,
        amount,
        extra,
    }
}
