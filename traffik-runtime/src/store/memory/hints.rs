//! Hints by which an eviction chooses among keys without reading their slots, and the marks that
//! it needs beside the states.
//!
//! # Protocol
//!
//! A hint is computed from a slot when its key is inserted and whenever an eviction or a sweep
//! reads the slot. Hits do not change it, so it may be old: an eviction reads the slot of the key
//! that it is about to evict, and goes on if the hint was wrong.
//!
//! The slots are divided into blocks, each with a time before which none of its states expires.
//! Hits mostly move that of a state to later; a state that expires earlier is found by the next
//! sweep of its block.

use crate::store::memory::eviction::Rank;
use crate::strategy::kernel::packed::{FULL, Packed};

/// The number of slots in a block.
pub(crate) const BLOCK: usize = 32;

/// Facts about a key that its insertion records for a later eviction, in two bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EvictionMark(u16);

/// The fullness of a state, in fourteenths of its capacity, ordered like the ranks of keys of one
/// throttle that is over its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hint(u8);

/// The hints of all slots, and the expiries of all blocks.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    slots: Vec<Hint>,
    /// The microsecond before which no state of the block expires.
    blocks: Vec<u64>,
    sweep: Sweep,
}

/// The sweep that goes through all blocks again and again, and measures when their states expire.
#[derive(Debug)]
struct Sweep {
    /// The next slot.
    index: usize,
    /// The earliest expiry of the states in the part of its block that was swept or written.
    earliest: u64,
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            index: 0,
            earliest: u64::MAX,
        }
    }
}

impl EvictionMark {
    /// Records if a key came late, and the capacity of its strategy as a multiple of its rate's
    /// limit.
    ///
    /// A state stores only the limit. The ratio is rounded down to eight binary digits, and does
    /// not change when the rate does.
    pub(crate) const fn new(is_late: bool, ratio: f32) -> Self {
        Self((is_late as u16) << 15 | (ratio.to_bits() >> 16) as u16)
    }

    /// Returns `true` if the key came [late](crate::store::memory::eviction::Newcomer::is_late).
    pub(crate) const fn is_late(self) -> bool {
        self.0 >> 15 == 1
    }

    /// Returns the capacity under a rate of this limit, at least 1: never above the strategy's, and
    /// below it by less than a hundredth.
    #[allow(clippy::cast_sign_loss, reason = "a ratio is never negative")]
    pub(crate) fn capacity(self, limit: u64) -> u64 {
        let ratio = f32::from_bits((u32::from(self.0) & 0x7FFF) << 16);
        // Up to a limit of 2^45 the product is exact.
        ((limit as f64 * f64::from(ratio)) as u64).max(1)
    }

    /// Returns the used part of the capacity of a key in this state.
    pub(crate) fn fullness(self, state: &Packed) -> u64 {
        state.fullness(self.capacity(state.limit))
    }

    /// Returns the hint for a key in this state.
    pub(crate) fn hint(self, state: &Packed) -> Hint {
        Hint::new(self.fullness(state), self.is_late())
    }
}

impl Hint {
    const PARTS: u64 = 14;

    /// The state of a key that came late is at its limit.
    pub(crate) const FULL_LATE: Self = Self(Self::PARTS as u8);

    /// The state of a key that came in time is at its limit.
    pub(crate) const FULL: Self = Self(Self::PARTS as u8 + 1);

    /// The slot is reserved for a set.
    const RESERVED: Self = Self(Self::PARTS as u8 + 2);

    /// The slot is vacant.
    pub(crate) const VACANT: Self = Self(u8::MAX);

    /// Returns the hint for a state of this fullness.
    pub(crate) const fn new(fullness: u64, is_late: bool) -> Self {
        match fullness {
            FULL if is_late => Self::FULL_LATE,
            FULL => Self::FULL,
            0..FULL => Self((fullness * Self::PARTS / FULL) as u8),
            _ => Self::RESERVED,
        }
    }

    /// Returns `true` if the key has used less than a seventh of its capacity.
    #[inline]
    pub(crate) const fn is_idle(self) -> bool {
        self.0 < 2
    }

    /// Returns `true` if a key of this hint, read now, need not be compared with keys of another
    /// hint or a higher one.
    pub(crate) fn is_decisive(self, rank: Rank, others: Self) -> bool {
        match rank {
            Rank::Expired => true,
            Rank::Yields { .. } => self <= others,
            // Others may be of a throttle over its share, or have become less full.
            Rank::Stays {
                is_within_share, ..
            } => !is_within_share && self <= others && self < Self::FULL,
        }
    }

    /// Returns the hint of this number.
    pub(crate) const fn numbered(number: u8) -> Self {
        Self(number)
    }

    /// Returns the number of the hint, less than 128 for a key.
    pub(crate) const fn number(self) -> u8 {
        self.0
    }
}

impl Hints {
    /// Adds vacant slots, up to this number.
    pub(crate) fn resize(&mut self, slots: usize) {
        self.slots.resize(slots, Hint::VACANT);
        self.blocks.resize(slots.div_ceil(BLOCK), u64::MAX);
    }

    /// Returns the hint of a slot.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Hint {
        self.slots[index]
    }

    /// Replaces the hint of a slot.
    pub(crate) fn set(&mut self, index: usize, hint: Hint) {
        self.slots[index] = hint;
    }

    /// Records a state that is written to a slot.
    pub(crate) fn occupy(&mut self, index: usize, hint: Hint, expires: u64) {
        self.slots[index] = hint;
        let block = &mut self.blocks[index / BLOCK];
        *block = expires.min(*block);
        if index / BLOCK == self.sweep.index / BLOCK {
            self.sweep.earliest = expires.min(self.sweep.earliest);
        }
    }

    /// Records that a state is moved to another slot.
    pub(crate) fn copy(&mut self, from: usize, to: usize) {
        self.occupy(to, self.slots[from], self.blocks[from / BLOCK]);
    }

    /// Records a slot that gets vacant.
    pub(crate) fn vacate(&mut self, index: usize) {
        self.slots[index] = Hint::VACANT;
    }

    /// Forgets all slots.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(Hint::VACANT);
        self.blocks.fill(u64::MAX);
        self.sweep = Sweep::default();
    }

    /// Returns the number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Returns the indices of a block's keys.
    pub(crate) fn occupied_in(&self, block: usize) -> impl Iterator<Item = usize> + use<'_> {
        let indices = block * BLOCK..self.slots.len().min((block + 1) * BLOCK);
        indices.filter(|index| self.slots[*index] != Hint::VACANT)
    }

    /// Returns `true` if a state of the block may have expired.
    #[inline]
    pub(crate) fn is_due(&self, block: usize, now: u64) -> bool {
        self.blocks[block] <= now
    }

    /// Replaces the expiry of a block.
    pub(crate) fn set_expiry(&mut self, block: usize, expires: u64) {
        self.blocks[block] = expires;
    }

    /// Returns the next slot to sweep.
    pub(crate) fn swept(&self) -> usize {
        self.sweep.index
    }

    /// Moves the sweep to the next slot, past one whose state expires then.
    pub(crate) fn advance_sweep(&mut self, expires: u64) {
        let sweep = &mut self.sweep;
        sweep.earliest = expires.min(sweep.earliest);
        sweep.index += 1;
        if sweep.index.is_multiple_of(BLOCK) || sweep.index == self.slots.len() {
            self.blocks[(sweep.index - 1) / BLOCK] = sweep.earliest;
            *sweep = Sweep {
                index: sweep.index % self.slots.len(),
                ..Sweep::default()
            };
        }
    }
}
