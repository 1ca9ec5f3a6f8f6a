//! A seqlock over one key and its state, in seven words of atomics.
//!
//! # Protocol
//!
//! A sequence number guards the other words. It is odd while a thread writes them, and higher after
//! every write.
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

use std::sync::atomic::Ordering;

use crate::store::key::Key;
use crate::store::memory::sync::{AtomicU16, AtomicU32, AtomicU64, fence, spin_loop, yield_now};
use crate::strategy::kernel::packed::{Kind, Packed};

/// A place for one key with its state.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    sequence: AtomicU32,
    /// The rate's limit, [compressed](compress_limit).
    limit: AtomicU16,
    /// The state's incarnation, which differs from that of an earlier or later state of the key.
    incarnation: AtomicU16,
    first: AtomicU64,
    second: AtomicU64,
    /// The period, and above it the tick's power of ten and the kind.
    terms: AtomicU64,
    at: AtomicU64,
    amount: AtomicU64,
    /// The state's second number. A meter has none, so this is its exact limit; other states need
    /// their limit only to estimate their fullness, so 16 bits are enough.
    extra: AtomicU64,
}

/// The state of a slot at one moment, and the sequence number of that moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    sequence: u32,
    pub(crate) state: Packed,
}

/// A locked slot; dropping the guard unlocks it.
#[derive(Debug)]
pub(crate) struct SlotGuard<'a> {
    slot: &'a Slot,
    sequence: u32,
}

const POWER_AT: u32 = 56;
const KIND_AT: u32 = 60;
const PERIOD: u64 = (1 << POWER_AT) - 1;

impl Slot {
    /// Returns `true` if the slot seems to hold this key. Only a snapshot or a lock confirms it.
    #[inline]
    pub(crate) fn may_hold(&self, key: Key) -> bool {
        let first = self.first.load(Ordering::Relaxed) ^ key.first;
        let second = self.second.load(Ordering::Relaxed) ^ key.second;
        first | second == 0
    }

    /// Reads the key and its state.
    pub(crate) fn read(&self) -> (Option<Key>, Packed) {
        self.read_consistent(|| self.words()).1
    }

    /// Reads the state if the slot holds this key.
    #[inline]
    pub(crate) fn read_for(&self, key: Key) -> Option<Snapshot> {
        loop {
            let words = || (self.may_hold(key), self.state());
            if let Some((sequence, (is_own, state))) = self.try_read(words) {
                return is_own.then_some(Snapshot { sequence, state });
            }
            self.wait_for_writer();
        }
    }

    /// Reads the state and its incarnation if the slot holds this key.
    pub(crate) fn read_with_incarnation(&self, key: Key) -> Option<(Snapshot, u16)> {
        let words = || (self.may_hold(key), self.state(), self.incarnation());
        let (sequence, (is_own, state, incarnation)) = self.read_consistent(words);
        is_own.then_some((Snapshot { sequence, state }, incarnation))
    }

    fn incarnation(&self) -> u16 {
        self.incarnation.load(Ordering::Relaxed)
    }

    /// Waits until the slot is not locked. It returns nothing, so that the callers' fast path keeps
    /// what it has read in registers.
    #[cold]
    fn wait_for_writer(&self) {
        let mut spin = SpinWait::default();
        while !self.sequence.load(Ordering::Relaxed).is_multiple_of(2) {
            spin.wait();
        }
    }

    /// Reads words at one moment, waiting for writers, and returns them with the sequence number.
    #[inline]
    fn read_consistent<T>(&self, words: impl Fn() -> T) -> (u32, T) {
        let mut spin = SpinWait::default();
        loop {
            if let Some(settled) = self.try_read(&words) {
                return settled;
            }
            spin.wait();
        }
    }

    /// Reads words at one moment, or returns `None` if the slot is being written.
    #[inline]
    fn try_read<T>(&self, words: impl Fn() -> T) -> Option<(u32, T)> {
        let sequence = self.sequence.load(Ordering::Acquire);
        if !sequence.is_multiple_of(2) {
            return None;
        }
        let words = words();
        fence(Ordering::Acquire);
        (self.sequence.load(Ordering::Relaxed) == sequence).then_some((sequence, words))
    }

    /// Changes the state unless the slot was written since the snapshot; returns `true` if it did.
    #[inline(always)]
    pub(crate) fn write_if_unchanged(&self, snapshot: &Snapshot, state: &Packed) -> bool {
        let Some(locked) = self.try_lock_at(snapshot.sequence) else {
            return false;
        };
        locked.update(state);
        true
    }

    /// Replaces the state by another incarnation unless the slot was written since the
    /// snapshot; returns `true` if it did.
    pub(crate) fn replace_if_unchanged(
        &self,
        snapshot: &Snapshot,
        state: &Packed,
        incarnation: u16,
    ) -> bool {
        let locked = self.try_lock_at(snapshot.sequence);
        let replaced = locked.map(|locked| {
            locked.set_incarnation(incarnation);
            locked.update(state);
        });
        replaced.is_some()
    }

    /// Locks the slot, waiting for other writers.
    pub(crate) fn lock(&self) -> SlotGuard<'_> {
        let mut spin = SpinWait::default();
        loop {
            let sequence = self.sequence.load(Ordering::Relaxed);
            if sequence.is_multiple_of(2)
                && let Some(locked) = self.try_lock_at(sequence)
            {
                return locked;
            }
            spin.wait();
        }
    }

    /// Locks the slot if its sequence number is still this even one.
    #[inline]
    fn try_lock_at(&self, sequence: u32) -> Option<SlotGuard<'_>> {
        let odd = sequence.wrapping_add(1);
        self.sequence
            .compare_exchange(sequence, odd, Ordering::Acquire, Ordering::Relaxed)
            .ok()?;
        // A reader that sees a word written under this lock must also see the odd number.
        fence(Ordering::Release);
        Some(SlotGuard {
            slot: self,
            sequence,
        })
    }

    fn words(&self) -> (Option<Key>, Packed) {
        let first = self.first.load(Ordering::Relaxed);
        let second = self.second.load(Ordering::Relaxed);
        ((first != 0).then_some(Key { first, second }), self.state())
    }

    #[inline]
    fn state(&self) -> Packed {
        let terms = self.terms.load(Ordering::Relaxed);
        let kind = Kind::numbered((terms >> KIND_AT) as u8);
        let extra = self.extra.load(Ordering::Relaxed);
        let (limit, extra) = match kind {
            Kind::Meter => (extra, 0),
            _ => (expand_limit(self.limit.load(Ordering::Relaxed)), extra),
        };
        Packed {
            kind,
            tick_power: (terms >> POWER_AT) as u8 & 0b1111,
            limit,
            period: terms & PERIOD,
            at: self.at.load(Ordering::Relaxed),
            amount: self.amount.load(Ordering::Relaxed),
            extra,
        }
    }
}

/// The number of low bits of a double that are dropped: all of its fraction but ten bits.
const DROPPED: u32 = 42;
const FRACTION_BITS: u32 = 10;
const EXPONENTS: u64 = 63;
const BIAS: u64 = 1_023;

/// Compresses a limit, from 1 to 2^53, to the top of the fraction and the low bits of the exponent
/// of a double: exact up to 2 048, otherwise rounded down by less than a thousandth.
#[inline]
fn compress_limit(limit: u64) -> u16 {
    ((limit.cast_signed() as f64).to_bits() >> DROPPED) as u16
}

/// Expands a limit that [`compress_limit`] has compressed. That of an empty state is meaningless.
#[inline]
#[allow(clippy::cast_sign_loss, reason = "a limit is never negative")]
fn expand_limit(compressed: u16) -> u64 {
    let compressed = u64::from(compressed);
    // The exponent of 1 is 1 023, all low bits of which are set; that of 2 has none.
    let exponent = BIAS + (((compressed >> FRACTION_BITS) + 1) & EXPONENTS);
    let fraction = compressed & ((1 << FRACTION_BITS) - 1);
    f64::from_bits(exponent << 52 | fraction << DROPPED) as u64
}

impl SlotGuard<'_> {
    /// Reads the key and its state.
    pub(crate) fn read(&self) -> (Option<Key>, Packed) {
        self.slot.words()
    }

    /// Returns the incarnation of the state.
    pub(crate) fn incarnation(&self) -> u16 {
        self.slot.incarnation()
    }

    /// Changes the incarnation of the state.
    pub(crate) fn set_incarnation(&self, incarnation: u16) {
        self.slot.incarnation.store(incarnation, Ordering::Relaxed);
    }

    /// Writes a key and its state, and unlocks the slot.
    pub(crate) fn occupy(self, key: Key, state: &Packed) {
        self.slot.first.store(key.first, Ordering::Relaxed);
        self.slot.second.store(key.second, Ordering::Relaxed);
        self.update(state);
    }

    /// Removes the key, and unlocks the slot.
    pub(crate) fn vacate(self) {
        self.slot.first.store(0, Ordering::Relaxed);
        self.update(&Packed::default());
    }

    /// Changes the state.
    #[inline]
    pub(crate) fn update(&self, state: &Packed) {
        let terms =
            state.period | u64::from(state.tick_power) << POWER_AT | (state.kind as u64) << KIND_AT;
        let extra = match state.kind {
            Kind::Meter => state.limit,
            _ => state.extra,
        };
        self.slot
            .limit
            .store(compress_limit(state.limit), Ordering::Relaxed);
        self.slot.terms.store(terms, Ordering::Relaxed);
        self.slot.at.store(state.at, Ordering::Relaxed);
        self.slot.amount.store(state.amount, Ordering::Relaxed);
        self.slot.extra.store(extra, Ordering::Relaxed);
    }
}

impl Drop for SlotGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.slot
            .sequence
            .store(self.sequence.wrapping_add(2), Ordering::Release);
    }
}

/// A wait that spins at first, and then yields the processor to the thread it waits for.
#[derive(Default)]
struct SpinWait {
    spins: u32,
}

impl SpinWait {
    #[cold]
    fn wait(&mut self) {
        self.spins += 1;
        if self.spins < 64 {
            spin_loop();
        } else {
            yield_now();
        }
    }
}

#[cfg(all(test, traffik_loom))]
#[path = "seqlock_slot_loom.rs"]
mod loom_tests;

#[cfg(all(test, not(traffik_loom)))]
mod tests {
    use std::thread;

    use super::*;
    use crate::store::memory::concurrency_fixtures::{add, count_of, state};

    #[test]
    fn counts_every_write_of_several_threads() {
        const KEY: Key = Key {
            first: 7,
            second: 9,
        };
        let slot = Slot::default();
        slot.lock().occupy(KEY, &state(0));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..8).for_each(|_| add(&slot, KEY)));
            }
            scope.spawn(|| {
                for _ in 0..8 {
                    let locked = slot.lock();
                    let count = count_of(&locked.read().1);
                    locked.update(&state(count + 1));
                }
            });
            scope.spawn(|| {
                for _ in 0..8 {
                    count_of(&slot.read().1);
                }
            });
        });
        assert_eq!(slot.read(), (Some(KEY), state(24)));
    }

    #[test]
    fn compresses_limits_by_less_than_a_thousandth() {
        let large = (11..53).flat_map(|power| {
            let power = 1_u64 << power;
            [
                -1,
                0,
                1,
                power.cast_signed() / 2,
                power.cast_signed() / 1_023,
            ]
            .map(|more| power.saturating_add_signed(more))
        });
        for limit in (1..5_000).chain(large).chain([1 << 53]) {
            let expanded = expand_limit(compress_limit(limit));
            assert!(expanded <= limit, "{limit} as {expanded}");
            assert!(limit - expanded <= limit / 1_024, "{limit} as {expanded}");
            assert!(limit > 2_048 || expanded == limit, "{limit} as {expanded}");
        }
    }

    #[test]
    fn compresses_larger_limits_to_larger_ones() {
        let limits = (0..53).flat_map(|power| [1_u64 << power, (1 << power) + (1 << power >> 1)]);
        let expanded: Vec<u64> = limits
            .map(|limit| expand_limit(compress_limit(limit)))
            .collect();
        assert!(expanded.is_sorted(), "{expanded:?}");
    }
}
