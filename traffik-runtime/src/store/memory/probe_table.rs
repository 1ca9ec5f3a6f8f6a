//! An open-addressing table with linear probing, in segments that are added as it grows and never
//! move.
//!
//! # Protocol
//!
//! * Looking a key up takes no lock, and changing its state takes only the slot's lock.
//! * Operations that change *where* keys are (insert, remove, evict, grow) run under the table's
//!   writer lock, which locks one slot at a time.
//! * A removed key leaves a gap. Later keys of the same run are moved back into it, one by one, so
//!   that no key is cut off from its home by a vacant slot (backward shift deletion).
//! * Growing adds a segment as long as all before it together, takes every key out and places it
//!   anew.
//!
//! # Guarantee
//!
//! A key is never in two slots. While it is moved it is in none, so a lookup without the writer
//! lock may miss it: a key that was not found has to be looked up again under the writer lock. A
//! lookup may also find a slot that another key gets just then; reading or locking the slot for the
//! key shows that.
//!
//! # Lock order
//!
//! The writer lock, then one slot. A thread that has a slot locked must not wait for the writer
//! lock.

use std::iter::successors;
use std::sync::atomic::Ordering;

use crate::store::key::Key;
use crate::store::memory::eviction::{CANDIDATES, Newcomer, Rank, Shares};
use crate::store::memory::seqlock_slot::Slot;
use crate::store::memory::sync::{AtomicU32, Mutex, MutexGuard, OnceLock};
use crate::strategy::kernel::packed::Packed;

/// Each segment is as long as all before it together, so this is enough for any memory.
const SEGMENTS: usize = 40;

/// The number of slots that an insertion checks for expired states: more than it adds.
const SWEEP_BATCH: usize = 2;

/// An open-addressing table, which is one shard of the sharded table.
#[derive(Debug)]
// Two writer locks never share a cache line, nor a pair that is fetched together.
#[repr(align(128))]
pub(crate) struct ProbeTable {
    writer: Mutex<Writer>,
    /// The table has `base << doublings` slots.
    doublings: AtomicU32,
    base: usize,
    segments: [OnceLock<Box<[Slot]>>; SEGMENTS],
}

/// The part of the table that only the thread with the writer lock uses.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    occupied: usize,
    clock_hand: usize,
    /// The eviction mark of the key in each slot.
    marks: Vec<EvictionMark>,
    /// The newest incarnation: even, and never 0.
    incarnation: u16,
}

/// A key to be inserted, with its state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Insertion<'s> {
    pub(crate) key: Key,
    pub(crate) state: &'s Packed,
    /// The incarnation of the state.
    pub(crate) incarnation: u16,
    pub(crate) mark: EvictionMark,
}

/// Facts about a key that its insertion records for a later eviction, in two bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EvictionMark(u16);

/// The best candidate for eviction.
struct Victim {
    rank: Rank,
    index: usize,
    /// `true` if no slot is vacant between the start of the search and this one.
    is_reachable: bool,
}

impl ProbeTable {
    pub(crate) fn new(base: usize) -> Self {
        Self {
            writer: Mutex::default(),
            doublings: AtomicU32::new(0),
            base,
            segments: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    /// Returns the slot that seems to hold this key.
    #[inline(always)]
    pub(crate) fn find(&self, key: Key) -> Option<&Slot> {
        let doublings = self.doublings.load(Ordering::Acquire);
        let (segment, offset) = self.locate_home(key, doublings);
        let home = self.segments[segment].get()?.get(offset)?;
        if home.may_hold(key) {
            return Some(home);
        }
        self.find_from(segment, offset, key, doublings)
    }

    /// Returns the slot that seems to hold this key, if it is not in its home slot.
    #[inline(never)]
    fn find_from(
        &self,
        mut segment: usize,
        offset: usize,
        key: Key,
        doublings: u32,
    ) -> Option<&Slot> {
        let mut slots = self.segments[segment].get()?.get(offset..)?;
        // Once around: while keys are moved there may be no vacant slot to stop at.
        for _ in 0..=doublings + 1 {
            for slot in slots {
                if slot.may_hold(key) {
                    return Some(slot);
                }
                if slot.may_be_vacant() {
                    return None;
                }
            }
            segment = if segment == doublings as usize {
                0
            } else {
                segment + 1
            };
            slots = self.segments[segment].get()?;
        }
        None
    }

    /// Takes the writer lock.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock()
    }

    /// Inserts a key that is not in the table.
    pub(crate) fn insert(&self, writer: &mut Writer, insertion: &Insertion<'_>) {
        if writer.occupied + 1 > self.max_occupied() {
            self.grow(writer);
        }
        self.place(writer, insertion);
        writer.occupied += 1;
    }

    /// Inserts a key that is not in the table in place of the lowest-ranked key nearby, and returns
    /// that key, or `None` if the table is empty. So the table does not grow, however many keys
    /// pass through it.
    pub(crate) fn replace(
        &self,
        writer: &mut Writer,
        newcomer: &Newcomer<'_>,
        insertion: &Insertion<'_>,
        now: u64,
    ) -> Option<Key> {
        if writer.occupied == 0 {
            return None;
        }
        let home = Self::home(insertion.key, self.len());
        let victim = self.find_victim(writer, newcomer, home, now)?;
        // All expired states may be elsewhere, in the part that is swept next.
        let expired = match victim.rank {
            Rank::Expired => None,
            _ => self.find_expired(writer, now),
        };
        match expired {
            // No other key has to move, which takes long where runs are long.
            None if victim.is_reachable => {
                writer.marks[victim.index] = insertion.mark;
                let locked = self.slot(victim.index).lock();
                let (removed, _) = locked.read();
                locked.set_incarnation(insertion.incarnation);
                locked.occupy(insertion.key, insertion.state);
                removed
            }
            expired => {
                let removed = self.remove(writer, expired.unwrap_or(victim.index));
                self.place(writer, insertion);
                writer.occupied += 1;
                removed
            }
        }
    }

    /// Removes the lowest-ranked of some keys, and returns it.
    pub(crate) fn evict(
        &self,
        writer: &mut Writer,
        newcomer: &Newcomer<'_>,
        now: u64,
    ) -> Option<Key> {
        if writer.occupied == 0 {
            return None;
        }
        let start = self.advance(writer);
        let victim = self.find_victim(writer, newcomer, start, now)?;
        writer.clock_hand = match victim.rank {
            Rank::Expired => victim.index,
            _ => (start + CANDIDATES) % self.len(),
        };
        self.remove(writer, victim.index)
    }

    /// Returns the index of an expired state among those that are swept next.
    fn find_expired(&self, writer: &mut Writer, now: u64) -> Option<usize> {
        let start = self.advance(writer);
        let expired = self.indices_from(start).take(CANDIDATES).find(|index| {
            let (key, state) = self.slot(*index).read();
            key.is_some() && state.expires() <= now
        });
        // The hand stops at an expired state, so that those after it are not skipped.
        writer.clock_hand = expired.unwrap_or((start + CANDIDATES) % self.len());
        expired
    }

    /// Returns all indices, starting at one.
    fn indices_from(&self, start: usize) -> impl Iterator<Item = usize> {
        let len = self.len();
        let wrapping = move |index: &usize| Some(Self::next_index(*index, len));
        successors(Some(start), wrapping).take(len)
    }

    /// Returns the lowest-ranked of some keys from an index on. The position of a key depends on
    /// its hash alone, so these are random keys.
    fn find_victim(
        &self,
        writer: &Writer,
        newcomer: &Newcomer<'_>,
        start: usize,
        now: u64,
    ) -> Option<Victim> {
        let mut victim: Option<Victim> = None;
        let (mut ranked, mut is_reachable) = (0, true);
        for (visited, index) in self.indices_from(start).enumerate() {
            let required = victim
                .as_ref()
                .map_or(CANDIDATES, |victim| victim.rank.required_candidates());
            if ranked >= required || visited >= 2 * required {
                break;
            }
            let (Some(key), state) = self.slot(index).read() else {
                is_reachable = false;
                continue;
            };
            ranked += 1;
            let rank = if state.expires() <= now {
                Rank::Expired
            } else {
                let mark = writer.marks[index];
                let capacity = mark.capacity(state.limit);
                newcomer.rank(key, state.fullness(capacity), mark.is_late())
            };
            if victim.as_ref().is_none_or(|victim| rank < victim.rank) {
                victim = Some(Victim {
                    rank,
                    index,
                    is_reachable,
                });
            }
        }
        victim
    }

    /// Removes a key, and returns its state with its incarnation.
    pub(crate) fn extract(&self, writer: &mut Writer, key: Key) -> Option<(Packed, u16)> {
        self.find(key)?;
        let len = self.len();
        let mut index = Self::home(key, len);
        while !self.slot(index).may_hold(key) {
            index = Self::next_index(index, len);
        }
        // Read and removed under one lock: a hit that is counted in between would be lost.
        let locked = self.slot(index).lock();
        let ((_, state), incarnation) = (locked.read(), locked.incarnation());
        locked.vacate();
        self.close_gap(writer, index);
        Some((state, incarnation))
    }

    /// Removes all keys.
    pub(crate) fn clear(&self, writer: &mut Writer, shares: &Shares) {
        if writer.occupied == 0 {
            return;
        }
        for index in 0..self.len() {
            let locked = self.slot(index).lock();
            if let (Some(key), _) = locked.read() {
                locked.vacate();
                shares.remove(key);
            }
        }
        (writer.occupied, writer.clock_hand) = (0, 0);
    }

    /// Removes the expired states among a few slots.
    pub(crate) fn sweep(&self, writer: &mut Writer, shares: &Shares, now: u64) {
        if writer.occupied == 0 {
            return;
        }
        for _ in 0..SWEEP_BATCH {
            let index = self.advance(writer);
            let (key, state) = self.slot(index).read();
            if let Some(key) = key
                && state.expires() <= now
                && self.remove_expired(writer, index, now)
            {
                shares.remove(key);
            }
        }
    }

    /// Removes a key unless a hit has renewed its state; returns `true` if it did.
    fn remove_expired(&self, writer: &mut Writer, index: usize, now: u64) -> bool {
        let locked = self.slot(index).lock();
        let has_expired = locked.read().1.expires() <= now;
        if has_expired {
            locked.vacate();
            self.close_gap(writer, index);
        }
        has_expired
    }

    /// Removes the key at an index, and returns it.
    fn remove(&self, writer: &mut Writer, index: usize) -> Option<Key> {
        let locked = self.slot(index).lock();
        let (removed, _) = locked.read();
        locked.vacate();
        self.close_gap(writer, index);
        removed
    }

    /// Moves later keys of the same run back, so that none is cut off from its home by a vacant
    /// slot.
    fn close_gap(&self, writer: &mut Writer, mut gap: usize) {
        writer.occupied -= 1;
        let len = self.len();
        let mut index = gap;
        loop {
            index = Self::next_index(index, len);
            let slot = self.slot(index);
            let (Some(key), _) = slot.read() else { return };
            let home = Self::home(key, len);
            let stays = if gap <= index {
                gap < home && home <= index
            } else {
                gap < home || home <= index
            };
            if !stays {
                let locked = slot.lock();
                let ((_, state), incarnation) = (locked.read(), locked.incarnation());
                locked.vacate();
                let locked = self.slot(gap).lock();
                locked.set_incarnation(incarnation);
                locked.occupy(key, &state);
                writer.marks[gap] = writer.marks[index];
                gap = index;
            }
        }
    }

    /// Doubles the table: takes all keys out and places them anew.
    fn grow(&self, writer: &mut Writer) {
        let len = if self.segments[0].get().is_some() {
            self.len()
        } else {
            0
        };
        let mut removed = Vec::with_capacity(len);
        for index in 0..len {
            let locked = self.slot(index).lock();
            if let (Some(key), state) = locked.read() {
                removed.push((key, state, locked.incarnation(), writer.marks[index]));
                locked.vacate();
            }
        }
        let doublings = self.doublings.load(Ordering::Relaxed);
        if len == 0 {
            self.segments[0].get_or_init(|| vacant(self.base));
        } else {
            self.segments[doublings as usize + 1].get_or_init(|| vacant(self.base << doublings));
            self.doublings.store(doublings + 1, Ordering::Release);
        }
        writer.marks.resize(self.len(), EvictionMark::default());
        for (key, state, incarnation, mark) in removed {
            let state = &state;
            let insertion = Insertion {
                key,
                state,
                incarnation,
                mark,
            };
            self.place(writer, &insertion);
        }
    }

    /// Writes a key into the first vacant slot from its home on.
    fn place(&self, writer: &mut Writer, insertion: &Insertion<'_>) {
        let len = self.len();
        let mut index = Self::home(insertion.key, len);
        while !self.slot(index).may_be_vacant() {
            index = Self::next_index(index, len);
        }
        writer.marks[index] = insertion.mark;
        let locked = self.slot(index).lock();
        locked.set_incarnation(insertion.incarnation);
        locked.occupy(insertion.key, insertion.state);
    }

    /// Returns the number of slots.
    #[cfg(test)]
    pub(crate) fn slots(&self) -> usize {
        self.len()
    }

    /// Moves the clock hand to the next slot, and returns its index.
    fn advance(&self, writer: &mut Writer) -> usize {
        writer.clock_hand = Self::next_index(writer.clock_hand, self.len());
        writer.clock_hand
    }

    fn len(&self) -> usize {
        self.base << self.doublings.load(Ordering::Relaxed)
    }

    /// Returns nine tenths of the slots: beyond that, runs of occupied slots become long.
    fn max_occupied(&self) -> usize {
        if self.segments[0].get().is_some() {
            self.len() - self.len().div_ceil(10)
        } else {
            0
        }
    }

    /// Returns the index at which the search for a key starts: its hash, scaled to the number of
    /// slots.
    fn home(key: Key, len: usize) -> usize {
        ((u128::from(key.second) * len as u128) >> 64) as usize
    }

    /// Returns the segment and the offset of a key's home. Segment 0 is the first `base` slots,
    /// segment k the `base << (k − 1)` slots after it; the top bits of the hash determine the
    /// segment.
    #[inline]
    fn locate_home(&self, key: Key, doublings: u32) -> (usize, usize) {
        let home = Self::home(key, self.base << doublings);
        let base = key.second.checked_shr(u64::BITS - doublings).unwrap_or(0);
        match (u64::BITS - base.leading_zeros()) as usize {
            0 => (0, home),
            segment => (segment, home - (self.base << (segment - 1))),
        }
    }

    /// Returns the slot at an index. The caller has the writer lock, under which all segments
    /// exist.
    fn slot(&self, index: usize) -> &Slot {
        // Half of all slots are in the last segment, a quarter in the one before it, and so on.
        let mut segment = self.doublings.load(Ordering::Relaxed) as usize;
        let start = loop {
            let start = self.segment_start(segment);
            if index >= start {
                break start;
            }
            segment -= 1;
        };
        &self.segments[segment].get_or_init(|| vacant(self.base << segment.saturating_sub(1)))
            [index - start]
    }

    /// Returns the index of a segment's first slot.
    fn segment_start(&self, segment: usize) -> usize {
        match segment {
            0 => 0,
            _ => self.base << (segment - 1),
        }
    }

    /// Returns the index after this one; after the last, the first.
    fn next_index(index: usize, len: usize) -> usize {
        if index + 1 < len { index + 1 } else { 0 }
    }
}

impl Writer {
    /// Returns the incarnation of a state that is created now. It repeats after 32 767 others, so a
    /// refund can reach a later state of the key only if that many keys were inserted between the
    /// two.
    pub(crate) fn next_incarnation(&mut self) -> u16 {
        self.incarnation = self.incarnation.wrapping_add(2).max(2);
        self.incarnation
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

    /// Returns `true` if the key came [late](Newcomer::is_late).
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
}

/// Creates a segment of vacant slots.
fn vacant(slots: usize) -> Box<[Slot]> {
    (0..slots).map(|_| Slot::default()).collect()
}

#[cfg(all(test, traffik_loom))]
#[path = "probe_table_loom.rs"]
mod loom_tests;

#[cfg(all(test, not(traffik_loom)))]
#[path = "probe_table_tests.rs"]
mod tests;
