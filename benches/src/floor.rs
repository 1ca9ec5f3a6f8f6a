//! The limit of a row: the least work that any limiter has to do, written by hand without features.
//!
//! It reads the same clock, hashes the key with a secret seed, finds the key's slot and updates it
//! atomically. It has one rate and a table that never grows, forgets nothing, and takes two keys
//! with equal hashes for one, so it is no limiter that one could use.

use std::hash::{BuildHasher as _, Hash};
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;

/// A limiter without features: a fixed window over a table of a fixed size.
#[derive(Debug)]
pub struct Floor {
    clock: quanta::Clock,
    seed: RandomState,
    slots: Box<[Slot]>,
    limit: u32,
    /// The length of a window, as a power of two of ticks.
    window: u32,
}

#[derive(Debug, Default)]
struct Slot {
    /// The hash of the key; 0 in an empty slot.
    hash: AtomicU64,
    /// The number of the window in the upper half, the count in the lower.
    state: AtomicU64,
}

impl Floor {
    /// Creates a limiter for at most `keys` keys, which admits `limit` hits in a window of some
    /// hours.
    pub fn new(keys: usize, limit: u32) -> Self {
        let slots = (keys * 2).next_power_of_two();
        Self {
            clock: quanta::Clock::new(),
            seed: RandomState::default(),
            slots: (0..slots).map(|_| Slot::default()).collect(),
            limit,
            window: 45,
        }
    }

    /// Decides one hit and returns the remaining count, or `None` if it is refused.
    #[inline]
    pub fn hit(&self, key: impl Hash) -> Option<u32> {
        let window = self.clock.raw() >> self.window;
        let state = &self.slot(self.seed.hash_one(key) | 1).state;
        let mut current = state.load(Ordering::Acquire);
        loop {
            let count = if current >> 32 == window {
                current as u32
            } else {
                0
            };
            let remaining = self.limit.checked_sub(count + 1)?;
            let next = window << 32 | u64::from(count + 1);
            match state.compare_exchange_weak(current, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(remaining),
                Err(changed) => current = changed,
            }
        }
    }

    #[inline]
    fn slot(&self, hash: u64) -> &Slot {
        let mask = self.slots.len() - 1;
        let mut place = (hash >> 20) as usize & mask;
        loop {
            let slot = &self.slots[place];
            let found = slot.hash.load(Ordering::Acquire);
            if found == hash {
                return slot;
            }
            if found == 0 {
                let claimed =
                    slot.hash
                        .compare_exchange(0, hash, Ordering::AcqRel, Ordering::Acquire);
                if claimed.is_ok() || claimed == Err(hash) {
                    return slot;
                }
            }
            place = (place + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Floor;

    #[test]
    fn admits_the_limit_of_each_key() {
        let floor = Floor::new(100, 3);
        for key in 0..100 {
            let key = format!("user:{key}");
            let hits: Vec<_> = (0..5).map(|_| floor.hit(&key)).collect();
            assert_eq!(hits, [Some(2), Some(1), Some(0), None, None]);
        }
    }
}
