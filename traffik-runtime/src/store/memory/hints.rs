//! Hints by which an eviction chooses among keys without reading their slots.
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
use crate::store::memory::rate_terms::CapacityRatio;
use crate::strategy::kernel::packed::{FULL, Packed};

/// The number of slots in a block.
pub(crate) const BLOCK: usize = 32;

/// A byte about a key that an eviction may consider: the fullness of its state, in fourteenths of
/// its capacity, and below that a bit that is 0 if the key came late. Hints are ordered like the
/// ranks of keys of one throttle that is over its share.
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

impl Hint {
    const PARTS: u8 = 14;

    /// The state of a key that came in time is at its limit.
    const FULL: Self = Self::in_parts(Self::PARTS, false);

    /// The slot is vacant.
    pub(crate) const VACANT: Self = Self(u8::MAX);

    /// Returns the hint for a state, given the ratio of its strategy's capacity.
    pub(crate) fn new(state: &Packed, ratio: CapacityRatio, is_late: bool) -> Self {
        Self::of_fullness(state.fullness(ratio.capacity(state.limit)), is_late)
    }

    /// Returns the hint for a state of this fullness.
    pub(crate) const fn of_fullness(fullness: u64, is_late: bool) -> Self {
        let parts = match fullness {
            FULL => Self::PARTS,
            0..FULL => (fullness * Self::PARTS as u64 / FULL) as u8,
            // Reserved for a set.
            _ => Self::PARTS + 1,
        };
        Self::in_parts(parts, is_late)
    }

    const fn in_parts(parts: u8, is_late: bool) -> Self {
        Self(2 * parts + !is_late as u8)
    }

    /// Returns `true` if the key came [late](crate::store::memory::eviction::Newcomer::is_late).
    pub(crate) const fn is_late(self) -> bool {
        self.0.is_multiple_of(2)
    }

    /// Returns `true` if the key seems to be a client at its limit that should stay.
    pub(crate) fn is_full(self) -> bool {
        self >= Self::FULL
    }

    /// Returns `true` if the key has used less than a seventh of its capacity.
    #[inline]
    pub(crate) const fn is_idle(self) -> bool {
        self.0 < Self::in_parts(2, true).0
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
            } => !is_within_share && self <= others && !self.is_full(),
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
