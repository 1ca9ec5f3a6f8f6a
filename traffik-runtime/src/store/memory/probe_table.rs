//! An open-addressing table with linear probing, in [segments](segment) that are added as it grows
//! and never move.
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
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::store::key::Key;
use crate::store::memory::eviction::Shares;
use crate::store::memory::hints::{Hint, Hints};
use crate::store::memory::rate_terms::{CapacityRatio, TermsTable};
use crate::store::memory::segment::{Search, Segment, Tag};
use crate::store::memory::seqlock_slot::Slot;
use crate::store::memory::sync::{AtomicU32, Mutex, MutexGuard, OnceLock};
use crate::strategy::kernel::packed::Packed;

/// Each segment is as long as all before it together, so this is enough for any memory.
#[cfg(not(all(test, traffik_loom)))]
const SEGMENTS: usize = 40;

/// Few, because the threads of models have small stacks.
#[cfg(all(test, traffik_loom))]
const SEGMENTS: usize = 4;

/// An open-addressing table, which is one shard of the sharded table.
#[derive(Debug)]
// Two writer locks never share a cache line, nor a pair that is fetched together.
#[repr(align(128))]
pub(crate) struct ProbeTable {
    writer: Mutex<Writer>,
    /// The table has `base << doublings` slots.
    doublings: AtomicU32,
    base: usize,
    segments: [OnceLock<Segment>; SEGMENTS],
    terms: Arc<TermsTable>,
}

/// The part of the table that only the thread with the writer lock uses.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(super) occupied: usize,
    /// The block in which the next eviction looks for expired states.
    pub(super) clock_hand: usize,
    pub(super) hints: Hints,
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
    /// The capacity of the strategy as a multiple of its rate's limit.
    pub(crate) ratio: CapacityRatio,
    /// `true` if the key comes [late](crate::store::memory::eviction::Newcomer::is_late).
    pub(crate) is_late: bool,
}

impl ProbeTable {
    /// Creates a table without slots, the first of which will be so many.
    pub(crate) fn new(base: usize, terms: &Arc<TermsTable>) -> Self {
        Self {
            writer: Mutex::default(),
            doublings: AtomicU32::new(0),
            base,
            segments: std::array::from_fn(|_| OnceLock::new()),
            terms: terms.clone(),
        }
    }

    /// Returns the slot that seems to hold this key.
    #[inline(always)]
    pub(crate) fn find(&self, key: Key) -> Option<Slot<'_>> {
        let doublings = self.doublings.load(Ordering::Acquire);
        let (segment, offset) = self.locate_home(key, doublings);
        let home = Slot::new(self.segments[segment].get()?, offset)?;
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
        mut offset: usize,
        key: Key,
        doublings: u32,
    ) -> Option<Slot<'_>> {
        // Once around: while keys are moved there may be no vacant slot to stop at.
        for _ in 0..=doublings + 1 {
            let slots = self.segments[segment].get()?;
            match slots.search(offset, key) {
                Search::Found(offset) => return Slot::new(slots, offset),
                Search::Vacant => return None,
                Search::Passed => {}
            }
            segment = Self::next_segment(segment, doublings);
            offset = 0;
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
                self.set_tag(index, Tag::VACANT);
                shares.remove(key);
            }
        }
        writer.hints.clear();
        (writer.occupied, writer.clock_hand) = (0, 0);
    }

    /// Removes a key unless a hit has renewed its state; returns `true` if it did.
    pub(super) fn remove_expired(&self, writer: &mut Writer, index: usize, now: u64) -> bool {
        let locked = self.slot(index).lock();
        let has_expired = locked.read().1.expires() <= now;
        if has_expired {
            locked.vacate();
            self.close_gap(writer, index);
        }
        has_expired
    }

    /// Removes the key at an index, and returns it.
    pub(super) fn remove(&self, writer: &mut Writer, index: usize) -> Option<Key> {
        let locked = self.slot(index).lock();
        let (removed, _) = locked.read();
        locked.vacate();
        self.close_gap(writer, index);
        removed
    }

    /// Moves later keys of the same run back to a slot that got vacant, so that none is cut off
    /// from its home.
    fn close_gap(&self, writer: &mut Writer, mut gap: usize) {
        writer.occupied -= 1;
        let len = self.len();
        let mut index = gap;
        loop {
            index = Self::next_index(index, len);
            let slot = self.slot(index);
            let (Some(key), _) = slot.read() else { break };
            let home = Self::home(key, len);
            let stays = if gap <= index {
                gap < home && home <= index
            } else {
                gap < home || home <= index
            };
            if !stays {
                let (locked, tag) = (slot.lock(), self.tag(index));
                let Some(content) = locked.content() else {
                    break;
                };
                locked.vacate();
                self.slot(gap).lock().restore(&content);
                self.set_tag(gap, tag);
                writer.hints.copy(index, gap);
                gap = index;
            }
        }
        self.set_tag(gap, Tag::VACANT);
        writer.hints.vacate(gap);
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
            if let Some(content) = locked.content() {
                removed.push((content, self.tag(index), writer.hints.get(index)));
                locked.vacate();
                self.set_tag(index, Tag::VACANT);
            }
        }
        let doublings = self.doublings.load(Ordering::Relaxed);
        if len == 0 {
            self.segments[0].get_or_init(|| Segment::new(self.base, &self.terms));
        } else {
            self.segments[doublings as usize + 1]
                .get_or_init(|| Segment::new(self.base << doublings, &self.terms));
            self.doublings.store(doublings + 1, Ordering::Release);
        }
        writer.hints.clear();
        writer.hints.resize(self.len());
        for (content, tag, hint) in &removed {
            let index = self.first_vacant(content.key);
            let slot = self.slot(index);
            slot.lock().restore(content);
            self.set_tag(index, *tag);
            writer.hints.occupy(index, *hint, slot.read().1.expires());
        }
    }

    /// Writes a key into the first vacant slot from its home on.
    pub(super) fn place(&self, writer: &mut Writer, insertion: &Insertion<'_>) {
        let index = self.first_vacant(insertion.key);
        self.write(writer, index, insertion);
    }

    /// Returns the index of the first vacant slot from a key's home on.
    fn first_vacant(&self, key: Key) -> usize {
        let doublings = self.doublings.load(Ordering::Relaxed);
        let (mut segment, mut offset) = self.locate_home(key, doublings);
        loop {
            if let Some(vacant) = self.segment(segment).first_vacant(offset) {
                return self.segment_start(segment) + vacant;
            }
            segment = Self::next_segment(segment, doublings);
            offset = 0;
        }
    }

    /// Writes a key into a slot, and returns the key that was in it.
    pub(super) fn write(
        &self,
        writer: &mut Writer,
        index: usize,
        insertion: &Insertion<'_>,
    ) -> Option<Key> {
        let Insertion {
            key,
            state,
            incarnation,
            ratio,
            is_late,
        } = *insertion;
        let hint = Hint::new(state, ratio, is_late);
        writer.hints.occupy(index, hint, state.expires());
        let locked = self.slot(index).lock();
        let (removed, _) = locked.read();
        locked.set_incarnation(incarnation);
        locked.occupy(key, state, ratio);
        self.set_tag(index, Tag::of(key));
        removed
    }

    /// Returns the number of slots.
    #[cfg(test)]
    pub(crate) fn slots(&self) -> usize {
        self.len()
    }

    /// Returns all indices, starting at one.
    pub(super) fn indices_from(&self, start: usize) -> impl Iterator<Item = usize> + use<> {
        let len = self.len();
        let wrapping = move |index: &usize| Some(Self::next_index(*index, len));
        successors(Some(start), wrapping).take(len)
    }

    pub(super) fn len(&self) -> usize {
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

    /// Returns the index at which the search for a key starts: a part of its hash that slots store,
    /// scaled to the number of slots.
    #[inline(always)]
    pub(super) fn home(key: Key, len: usize) -> usize {
        (((key.second >> 32) * len as u64) >> 32) as usize
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
    pub(super) fn slot(&self, index: usize) -> Slot<'_> {
        let (segment, offset) = self.locate(index);
        Slot::new(segment, offset).expect("the table has so many slots")
    }

    fn tag(&self, index: usize) -> Tag {
        let (segment, offset) = self.locate(index);
        segment.tag(offset)
    }

    fn set_tag(&self, index: usize, tag: Tag) {
        let (segment, offset) = self.locate(index);
        segment.set_tag(offset, tag);
    }

    /// Returns the segment of an index, and the offset in it.
    fn locate(&self, index: usize) -> (&Segment, usize) {
        // Half of all slots are in the last segment, a quarter in the one before it, and so on.
        let mut segment = self.doublings.load(Ordering::Relaxed) as usize;
        let start = loop {
            let start = self.segment_start(segment);
            if index >= start {
                break start;
            }
            segment -= 1;
        };
        (self.segment(segment), index - start)
    }

    fn segment(&self, segment: usize) -> &Segment {
        self.segments[segment]
            .get_or_init(|| Segment::new(self.base << segment.saturating_sub(1), &self.terms))
    }

    /// Returns the number of the segment after this one; after the last, the first.
    const fn next_segment(segment: usize, doublings: u32) -> usize {
        if segment == doublings as usize {
            0
        } else {
            segment + 1
        }
    }

    /// Returns the index of a segment's first slot.
    fn segment_start(&self, segment: usize) -> usize {
        match segment {
            0 => 0,
            _ => self.base << (segment - 1),
        }
    }

    /// Returns the index after this one; after the last, the first.
    pub(super) fn next_index(index: usize, len: usize) -> usize {
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

#[cfg(all(test, traffik_loom))]
#[path = "probe_table_loom.rs"]
mod loom_tests;

#[cfg(all(test, not(traffik_loom)))]
#[path = "probe_table_tests.rs"]
mod tests;
