//! One key and its state, in seven words of atomics.
//!
//! A sequence number makes the words one: odd while somebody writes them, higher after every write. Readers take no
//! lock, they look whether the number stayed the same; a writer makes it odd by compare-and-swap, which fails if anybody
//! wrote since it read.

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering, fence};

use crate::backend::key::Key;
use crate::strategy::kernel::{Kind, Packed};

#[derive(Debug, Default)]
pub(super) struct Slot {
    sequence: AtomicU32,
    /// The rate's limit, [shortened](short).
    limit: AtomicU16,
    /// The number of the state, which tells it from another state of the same key that came before or after it.
    made: AtomicU16,
    first: AtomicU64,
    second: AtomicU64,
    /// The period, and above it the tick's power of ten and the kind.
    terms: AtomicU64,
    at: AtomicU64,
    amount: AtomicU64,
    /// The second number of a state. A meter has none, so this is its limit; other states need theirs only to tell how full
    /// they are, and keep it in 16 bits.
    extra: AtomicU64,
}

/// The state of a slot at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    sequence: u32,
    pub(super) state: Packed,
}

/// A slot that nobody else writes until this is dropped.
#[derive(Debug)]
pub(super) struct Locked<'a> {
    slot: &'a Slot,
    sequence: u32,
}

const POWER_AT: u32 = 56;
const KIND_AT: u32 = 60;
const PERIOD: u64 = (1 << POWER_AT) - 1;

impl Slot {
    /// Whether the slot looked like this key's: to be confirmed by a snapshot or a lock.
    #[inline]
    pub(super) fn seems(&self, key: Key) -> bool {
        let first = self.first.load(Ordering::Relaxed) ^ key.first;
        let second = self.second.load(Ordering::Relaxed) ^ key.second;
        first | second == 0
    }

    /// Whether the slot looked as if nobody had it.
    #[inline]
    pub(super) fn seems_vacant(&self) -> bool {
        self.first.load(Ordering::Relaxed) == 0
    }

    /// What the slot holds.
    pub(super) fn read(&self) -> (Option<Key>, Packed) {
        self.settled(|| self.words()).1
    }

    /// The state, if the slot is this key's.
    #[inline]
    pub(super) fn read_as(&self, key: Key) -> Option<Snapshot> {
        loop {
            let words = || (self.seems(key), self.state());
            if let Some((sequence, (is_own, state))) = self.glimpse(words) {
                return is_own.then_some(Snapshot { sequence, state });
            }
            self.await_writer();
        }
    }

    /// The state and its number, if the slot is this key's.
    pub(super) fn read_numbered(&self, key: Key) -> Option<(Snapshot, u16)> {
        let words = || (self.seems(key), self.state(), self.made());
        let (sequence, (is_own, state, made)) = self.settled(words);
        is_own.then_some((Snapshot { sequence, state }, made))
    }

    fn made(&self) -> u16 {
        self.made.load(Ordering::Relaxed)
    }

    /// Kept out of the way of those who need not wait: if it gave back what it read, they would read that from memory.
    #[cold]
    fn await_writer(&self) {
        let mut patience = Patience::default();
        while !self.sequence.load(Ordering::Relaxed).is_multiple_of(2) {
            patience.wait();
        }
    }

    /// Words that were read while nobody wrote, and the sequence number they had.
    #[inline]
    fn settled<T>(&self, words: impl Fn() -> T) -> (u32, T) {
        let mut patience = Patience::default();
        loop {
            if let Some(settled) = self.glimpse(&words) {
                return settled;
            }
            patience.wait();
        }
    }

    /// The same, unless somebody writes just now.
    #[inline]
    fn glimpse<T>(&self, words: impl Fn() -> T) -> Option<(u32, T)> {
        let sequence = self.sequence.load(Ordering::Acquire);
        if !sequence.is_multiple_of(2) {
            return None;
        }
        let words = words();
        fence(Ordering::Acquire);
        (self.sequence.load(Ordering::Relaxed) == sequence).then_some((sequence, words))
    }

    /// Changes the state if nobody wrote since the snapshot; says whether it did.
    #[inline]
    pub(super) fn write_since(&self, snapshot: &Snapshot, state: &Packed) -> bool {
        let locked = self.lock_at(snapshot.sequence);
        locked.map(|locked| locked.update(state)).is_some()
    }

    /// Puts another state, with a number of its own, in the place of one if nobody wrote since the snapshot; says whether it
    /// did.
    pub(super) fn replace_since(&self, snapshot: &Snapshot, state: &Packed, made: u16) -> bool {
        let locked = self.lock_at(snapshot.sequence);
        let replaced = locked.map(|locked| {
            locked.renumber(made);
            locked.update(state);
        });
        replaced.is_some()
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        let mut patience = Patience::default();
        loop {
            let sequence = self.sequence.load(Ordering::Relaxed);
            if sequence.is_multiple_of(2)
                && let Some(locked) = self.lock_at(sequence)
            {
                return locked;
            }
            patience.wait();
        }
    }

    #[inline]
    fn lock_at(&self, sequence: u32) -> Option<Locked<'_>> {
        let odd = sequence.wrapping_add(1);
        self.sequence
            .compare_exchange(sequence, odd, Ordering::Acquire, Ordering::Relaxed)
            .ok()?;
        // Whoever sees a word written under this lock must also see that the number is odd.
        fence(Ordering::Release);
        Some(Locked {
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
            _ => (long(self.limit.load(Ordering::Relaxed)), extra),
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

/// The number of low bits of a double that are dropped: all of its digits but ten.
const DROPPED: u32 = 42;
const DIGITS: u32 = 10;
const EXPONENTS: u64 = 63;
const BIAS: u64 = 1_023;

/// Shortens a limit, from 1 to 2^53, to the digits and the low bits of the exponent of a double, which takes no time that
/// can be measured: exact up to 2 048, else rounded down by less than a thousandth.
#[inline]
fn short(limit: u64) -> u16 {
    ((limit.cast_signed() as f64).to_bits() >> DROPPED) as u16
}

/// Returns the limit that [`short`] has kept. That of no state means nothing.
#[inline]
#[allow(clippy::cast_sign_loss, reason = "a limit is never negative")]
fn long(short: u16) -> u64 {
    let short = u64::from(short);
    // The exponent of 1 is 1 023, all low bits of which are set; that of 2 has none.
    let exponent = BIAS + (((short >> DIGITS) + 1) & EXPONENTS);
    let digits = short & ((1 << DIGITS) - 1);
    f64::from_bits(exponent << 52 | digits << DROPPED) as u64
}

impl Locked<'_> {
    pub(super) fn read(&self) -> (Option<Key>, Packed) {
        self.slot.words()
    }

    /// The number of the state.
    pub(super) fn made(&self) -> u16 {
        self.slot.made()
    }

    /// Numbers the state.
    pub(super) fn renumber(&self, made: u16) {
        self.slot.made.store(made, Ordering::Relaxed);
    }

    /// Gives the slot to a key.
    pub(super) fn settle(self, key: Key, state: &Packed) {
        self.slot.first.store(key.first, Ordering::Relaxed);
        self.slot.second.store(key.second, Ordering::Relaxed);
        self.update(state);
    }

    /// Leaves the slot to whoever comes.
    pub(super) fn vacate(self) {
        self.slot.first.store(0, Ordering::Relaxed);
        self.update(&Packed::default());
    }

    /// Changes the state.
    #[inline]
    pub(super) fn update(&self, state: &Packed) {
        let terms =
            state.period | u64::from(state.tick_power) << POWER_AT | (state.kind as u64) << KIND_AT;
        let extra = match state.kind {
            Kind::Meter => state.limit,
            _ => state.extra,
        };
        self.slot.limit.store(short(state.limit), Ordering::Relaxed);
        self.slot.terms.store(terms, Ordering::Relaxed);
        self.slot.at.store(state.at, Ordering::Relaxed);
        self.slot.amount.store(state.amount, Ordering::Relaxed);
        self.slot.extra.store(extra, Ordering::Relaxed);
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.slot
            .sequence
            .store(self.sequence.wrapping_add(2), Ordering::Release);
    }
}

/// How long to spin before the thread that is waited for gets the processor.
#[derive(Default)]
struct Patience {
    spins: u32,
}

impl Patience {
    #[cold]
    fn wait(&mut self) {
        self.spins += 1;
        if self.spins < 64 {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortens_limits_by_less_than_a_thousandth() {
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
            let kept = long(short(limit));
            assert!(kept <= limit, "{limit} as {kept}");
            assert!(limit - kept <= limit / 1_024, "{limit} as {kept}");
            assert!(limit > 2_048 || kept == limit, "{limit} as {kept}");
        }
    }

    #[test]
    fn shortens_larger_limits_to_larger_ones() {
        let limits = (0..53).flat_map(|power| [1_u64 << power, (1 << power) + (1 << power >> 1)]);
        let kept: Vec<u64> = limits.map(|limit| long(short(limit))).collect();
        assert!(kept.is_sorted(), "{kept:?}");
    }
}
