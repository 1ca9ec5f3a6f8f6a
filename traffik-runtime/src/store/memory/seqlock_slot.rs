//! A seqlock over one key and its state, in four words of atomics and a few beside them.
//!
//! # Protocol
//!
//! A sequence number guards the other words. It is odd while a thread writes them, and higher after
//! every write. It shares the word `lock` with a part of the key, so that one compare-and-swap
//! checks both.
//!
//! * A reader takes no lock. It reads the number, the words, and the number again, and starts over
//!   if the number was odd or has changed.
//! * A writer makes the number odd by compare-and-swap, which fails if another thread has written
//!   since the number was read. It writes the words and makes the number even again.
//!
//! # Orderings
//!
//! The words are relaxed atomics. The reader's acquire load of the number pairs with the writer's
//! release store after its writes, so a reader that sees the even number sees all of them. The
//! writer's release fence after it made the number odd pairs with the reader's acquire fence before
//! it reads the number again, so a reader that sees a single word of a write sees that the number
//! has changed.

use std::fmt;
use std::sync::atomic::Ordering;

use crate::store::key::Key;
use crate::store::memory::rate_terms::{CapacityRatio, Terms};
use crate::store::memory::segment::Segment;
use crate::store::memory::slot_words::{
    KEY_BITS, SlotWords, WIDE, WIDE_WORDS, number, pack, unpack,
};
use crate::store::memory::spin_wait::SpinWait;
use crate::store::memory::sync::fence;
use crate::store::memory::wide_state::{from_words, to_words};
use crate::strategy::kernel::packed::Packed;

/// A place for one key with its state, in a segment.
#[derive(Clone, Copy)]
pub(crate) struct Slot<'a> {
    words: &'a SlotWords,
    segment: &'a Segment,
    offset: usize,
}

/// The state of a slot at one moment, and the sequence number of that moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    lock: u64,
    /// The number of the state's terms.
    number: usize,
    pub(crate) state: Packed,
}

/// A locked slot; dropping the guard unlocks it.
#[derive(Debug)]
pub(crate) struct SlotGuard<'a> {
    slot: Slot<'a>,
    /// The even sequence number and the part of the key that it is unlocked with.
    unlocked: u64,
}

/// The words of a state that was computed from a snapshot, to be written to its slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PreparedWrite<'a> {
    slot: Slot<'a>,
    /// The lock of the snapshot.
    lock: u64,
    words: [u64; 2],
}

/// All words of an occupied slot, to be written to another slot of the table.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) key: Key,
    time: u64,
    amounts: u64,
    incarnation: u16,
    wide: Option<Box<[u64; 6]>>,
}

const SEQUENCE: u64 = !KEY_BITS;

const fn is_locked(lock: u64) -> bool {
    !lock.is_multiple_of(2)
}

impl<'a> Slot<'a> {
    /// Returns the slot at an offset of a segment, if it has so many.
    #[inline(always)]
    pub(crate) fn new(segment: &'a Segment, offset: usize) -> Option<Self> {
        let words = segment.get(offset)?;
        Some(Self {
            words,
            segment,
            offset,
        })
    }

    /// Returns the address that determines the order in which sets lock slots.
    pub(crate) fn address(self) -> usize {
        std::ptr::from_ref(self.words).addr()
    }

    /// Returns `true` if the slot seems to hold this key. Only a snapshot or a lock confirms it.
    #[inline(always)]
    pub(crate) fn may_hold(self, key: Key) -> bool {
        self.words.may_hold(key)
    }

    /// Reads the key and its state.
    pub(crate) fn read(self) -> (Option<Key>, Packed) {
        let (_, (key, state, _)) = self.read_consistent(|| self.words());
        (key, state)
    }

    /// Reads the key, its state and the ratio of its strategy's capacity, if there is a key.
    pub(crate) fn read_with_ratio(self) -> Option<(Key, Packed, CapacityRatio)> {
        let (_, (key, state, ratio)) = self.read_consistent(|| self.words());
        Some((key?, state, ratio))
    }

    /// Reads the state if the slot holds this key.
    #[inline]
    pub(crate) fn read_for(self, key: Key) -> Option<Snapshot> {
        loop {
            let lock = self.words.lock.load(Ordering::Acquire);
            if is_locked(lock) {
                self.wait_for_writer();
                continue;
            }
            let is_own = self.words.may_hold(key);
            let time = self.words.time.load(Ordering::Relaxed);
            let amounts = self.words.amounts.load(Ordering::Relaxed);
            let number = number(time);
            let wide = (number == WIDE).then(|| self.wide_words());
            fence(Ordering::Acquire);
            if self.words.lock.load(Ordering::Relaxed) == lock {
                let state = match wide {
                    Some(words) => from_words(words).0,
                    None => unpack([time, amounts], &self.segment.terms.get(number)),
                };
                return is_own.then_some(Snapshot {
                    lock,
                    number,
                    state,
                });
            }
            self.wait_for_writer();
        }
    }

    /// Reads the words of a wide state. They are an array, so that only they are in memory where
    /// this is called, and not the state that callers keep in registers.
    #[cold]
    #[inline(never)]
    fn wide_words(self) -> [u64; 6] {
        self.segment.wide_states.read(self.offset)
    }

    /// Reads the state and its incarnation if the slot holds this key.
    pub(crate) fn read_with_incarnation(self, key: Key) -> Option<(Snapshot, u16)> {
        let words = || {
            let number = number(self.words.time.load(Ordering::Relaxed));
            (
                self.may_hold(key),
                number,
                self.words().1,
                self.incarnation(),
            )
        };
        let (lock, (is_own, number, state, incarnation)) = self.read_consistent(words);
        let snapshot = Snapshot {
            lock,
            number,
            state,
        };
        is_own.then_some((snapshot, incarnation))
    }

    fn incarnation(self) -> u16 {
        self.segment.incarnations[self.offset].load(Ordering::Relaxed)
    }

    /// Waits until the slot is not locked. It returns nothing, so that the callers' fast path keeps
    /// what it has read in registers.
    #[cold]
    fn wait_for_writer(self) {
        let mut spin = SpinWait::default();
        while is_locked(self.words.lock.load(Ordering::Relaxed)) {
            spin.wait();
        }
    }

    /// Reads words at one moment, waiting for writers, and returns them with the lock.
    #[inline]
    fn read_consistent<T>(self, words: impl Fn() -> T) -> (u64, T) {
        let mut spin = SpinWait::default();
        loop {
            let lock = self.words.lock.load(Ordering::Acquire);
            if !is_locked(lock) {
                let words = words();
                fence(Ordering::Acquire);
                if self.words.lock.load(Ordering::Relaxed) == lock {
                    return (lock, words);
                }
            }
            spin.wait();
        }
    }

    /// Changes the state unless the slot was written since the snapshot; returns `true` if it did.
    #[inline(always)]
    pub(crate) fn write_if_unchanged(self, snapshot: &Snapshot, state: &Packed) -> bool {
        let Some(words) = snapshot.pack(state) else {
            return self.write_unpacked(snapshot.lock, *state);
        };
        let Some(locked) = self.try_lock_at(snapshot.lock) else {
            return false;
        };
        locked.store(words);
        true
    }

    /// Writes a state of other terms or a wide one, as
    /// [`write_if_unchanged`](Self::write_if_unchanged) does. It takes values, so that callers keep
    /// theirs in registers.
    #[cold]
    #[inline(never)]
    fn write_unpacked(self, lock: u64, state: Packed) -> bool {
        let locked = self.try_lock_at(lock);
        locked.map(|locked| locked.update(&state)).is_some()
    }

    /// Replaces the state by another incarnation unless the slot was written since the
    /// snapshot; returns `true` if it did.
    pub(crate) fn replace_if_unchanged(
        self,
        snapshot: &Snapshot,
        state: &Packed,
        incarnation: u16,
    ) -> bool {
        let locked = self.try_lock_at(snapshot.lock);
        let replaced = locked.map(|locked| {
            locked.set_incarnation(incarnation);
            locked.update(state);
        });
        replaced.is_some()
    }

    /// Prepares to write a state that was computed from a snapshot. Returns `None` if its terms are
    /// other ones, or if it is wide.
    #[inline(always)]
    pub(crate) fn prepare_write(
        self,
        snapshot: &Snapshot,
        state: &Packed,
    ) -> Option<PreparedWrite<'a>> {
        Some(PreparedWrite {
            slot: self,
            lock: snapshot.lock,
            words: snapshot.pack(state)?,
        })
    }

    /// Locks the slot, waiting for other writers.
    pub(crate) fn lock(self) -> SlotGuard<'a> {
        let mut spin = SpinWait::default();
        loop {
            let lock = self.words.lock.load(Ordering::Relaxed);
            if !is_locked(lock)
                && let Some(locked) = self.try_lock_at(lock)
            {
                return locked;
            }
            spin.wait();
        }
    }

    /// Locks the slot if its key and sequence number are still these, and the number is even.
    #[inline]
    fn try_lock_at(self, lock: u64) -> Option<SlotGuard<'a>> {
        self.words
            .lock
            .compare_exchange(lock, lock | 1, Ordering::Acquire, Ordering::Relaxed)
            .ok()?;
        // A reader that sees a word written under this lock must also see the odd number.
        fence(Ordering::Release);
        let sequence = lock.wrapping_add(2) & SEQUENCE;
        Some(SlotGuard {
            slot: self,
            unlocked: lock & KEY_BITS | sequence,
        })
    }

    fn words(self) -> (Option<Key>, Packed, CapacityRatio) {
        let first = self.words.first.load(Ordering::Relaxed);
        let second = self.words.lock.load(Ordering::Relaxed) & KEY_BITS;
        let key = (first != 0).then_some(Key { first, second });
        let (state, ratio) = self.state();
        (key, state, ratio)
    }

    fn state(self) -> (Packed, CapacityRatio) {
        let time = self.words.time.load(Ordering::Relaxed);
        if number(time) == WIDE {
            return from_words(self.wide_words());
        }
        let terms = self.segment.terms.get(number(time));
        let amounts = self.words.amounts.load(Ordering::Relaxed);
        (unpack([time, amounts], &terms), terms.ratio)
    }
}

/// Writes states to several slots at one moment, unless one was written since its snapshot; returns
/// `true` if it did. All slots are locked before the first is written.
pub(crate) fn write_all(writes: &[PreparedWrite<'_>]) -> bool {
    let Some((first, others)) = writes.split_first() else {
        return true;
    };
    let Some(locked) = first.slot.try_lock_at(first.lock) else {
        return false;
    };
    let is_written = write_all(others);
    if is_written {
        locked.store(first.words);
    }
    is_written
}

impl fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words.fmt(f)
    }
}

impl Snapshot {
    /// Returns the words of a state that is written next, if its terms are those of this one and it
    /// fits.
    #[inline(always)]
    fn pack(&self, state: &Packed) -> Option<[u64; 2]> {
        let same = self.state.kind == state.kind
            && self.state.tick_power == state.tick_power
            && self.state.limit == state.limit
            && self.state.period == state.period;
        (same && self.number != WIDE).then(|| pack(state, self.number))?
    }
}

impl SlotGuard<'_> {
    /// Reads the key and its state.
    pub(crate) fn read(&self) -> (Option<Key>, Packed) {
        let (key, state, _) = self.slot.words();
        (key, state)
    }

    /// Returns `true` if the slot holds this key.
    pub(crate) fn holds(&self, key: Key) -> bool {
        self.slot.may_hold(key)
    }

    /// Returns the incarnation of the state.
    pub(crate) fn incarnation(&self) -> u16 {
        self.slot.incarnation()
    }

    /// Changes the incarnation of the state.
    pub(crate) fn set_incarnation(&self, incarnation: u16) {
        self.slot.segment.incarnations[self.slot.offset].store(incarnation, Ordering::Relaxed);
    }

    /// Returns all words, if the slot holds a key.
    pub(crate) fn content(&self) -> Option<Content> {
        let words = self.slot.words;
        let time = words.time.load(Ordering::Relaxed);
        let wide =
            (number(time) == WIDE).then(|| self.slot.segment.wide_states.read(self.slot.offset));
        Some(Content {
            key: self.read().0?,
            time,
            amounts: words.amounts.load(Ordering::Relaxed),
            incarnation: self.incarnation(),
            wide: wide.map(Box::new),
        })
    }

    /// Writes all words, and unlocks the slot.
    pub(crate) fn restore(mut self, content: &Content) {
        self.set_key(content.key);
        self.set_incarnation(content.incarnation);
        self.store([content.time, content.amounts]);
        if let Some(wide) = &content.wide {
            self.slot
                .segment
                .wide_states
                .write(self.slot.offset, **wide);
        }
    }

    /// Writes a key and its state under a strategy with this ratio of capacity, and unlocks the
    /// slot.
    pub(crate) fn occupy(mut self, key: Key, state: &Packed, ratio: CapacityRatio) {
        self.set_key(key);
        self.write(state, ratio);
    }

    /// Removes the key, and unlocks the slot.
    pub(crate) fn vacate(self) {
        self.slot.words.first.store(0, Ordering::Relaxed);
        self.store([0, 0]);
    }

    /// Changes the state.
    pub(crate) fn update(&self, state: &Packed) {
        let (_, ratio) = self.slot.state();
        self.write(state, ratio);
    }

    fn write(&self, state: &Packed, ratio: CapacityRatio) {
        let terms = &self.slot.segment.terms;
        let number = terms.number(&Terms::of(state, ratio));
        match number.and_then(|number| pack(state, number)) {
            Some(words) => self.store(words),
            None => {
                let words = to_words(state, ratio);
                self.slot.segment.wide_states.write(self.slot.offset, words);
                self.store(WIDE_WORDS);
            }
        }
    }

    fn set_key(&mut self, key: Key) {
        self.slot.words.first.store(key.first, Ordering::Relaxed);
        self.unlocked = key.second & KEY_BITS | self.unlocked & SEQUENCE;
    }

    #[inline(always)]
    fn store(&self, [time, amounts]: [u64; 2]) {
        self.slot.words.time.store(time, Ordering::Relaxed);
        self.slot.words.amounts.store(amounts, Ordering::Relaxed);
    }
}

impl Drop for SlotGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.slot.words.lock.store(self.unlocked, Ordering::Release);
    }
}

#[cfg(all(test, traffik_loom))]
#[path = "seqlock_slot_loom.rs"]
mod loom_tests;

#[cfg(all(test, not(traffik_loom)))]
#[path = "seqlock_slot_tests.rs"]
mod tests;
