//! All stripes, and the bound on how many keys they hold together.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::shares::{Newcomer, Shares};
use super::slot::Slot;
use super::slot_permit::SlotPermit;
use super::stripe::{Mark, Placed, Stripe};
use crate::backend::key::Key;
use crate::strategy::kernel::Packed;

/// A set needs all its keys at once.
const LEAST_CAPACITY: usize = 64;

/// Below this many keys to a stripe, their uneven filling would cost more than a shared mutex.
const LEAST_KEYS_PER_STRIPE: usize = 4_096;
const MOST_STRIPES: usize = 64;

/// The first segment of a stripe is at most this long.
const LONGEST_BASE: usize = 64;

#[derive(Debug)]
pub(super) struct Table {
    stripes: Box<[Stripe]>,
    capacity: usize,
    shares: Shares,
    /// Whose turn it is to give a key up.
    turn: AtomicUsize,
}

impl Table {
    /// A table for this many keys, in a power of two of stripes.
    pub(super) fn new(capacity: usize, stripes: Option<usize>) -> Self {
        let capacity = capacity.max(LEAST_CAPACITY);
        let wanted = stripes.unwrap_or((capacity / LEAST_KEYS_PER_STRIPE).min(MOST_STRIPES));
        let stripes = wanted.clamp(1, 1 << 16).next_power_of_two();
        Self {
            stripes: (0..stripes)
                .map(|_| Stripe::new(base(capacity, stripes)))
                .collect(),
            capacity,
            shares: Shares::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// The slot that seems to be this key's.
    #[inline(always)]
    pub(super) fn find(&self, key: Key) -> Option<&Slot> {
        self.stripe(key).find(key)
    }

    /// Whether the key has no slot, not even one it is being moved to.
    pub(super) fn is_vacant(&self, key: Key) -> bool {
        let stripe = self.stripe(key);
        let _keeper = stripe.keep();
        stripe.find(key).is_none()
    }

    /// Gives a new key a slot with this state, and returns `false` if the key has one already. The ratio is the capacity of
    /// the law as a multiple of its rate's limit.
    #[cfg(test)]
    pub(super) fn insert(&self, key: Key, state: &Packed, ratio: f32, now: u64) -> bool {
        let shard = super::boxed::Shard::default();
        self.try_insert(SlotPermit::of_locked(&shard), (key, state, ratio), now)
    }

    /// Gives a key a slot with a new state, and returns `false` if it has one already or the permit has ended.
    pub(super) fn try_insert(
        &self,
        permit: SlotPermit<'_>,
        slot: (Key, &Packed, f32),
        now: u64,
    ) -> bool {
        self.try_insert_numbered(permit, slot, None, now)
    }

    /// Gives a key a slot with a state of this number, else of a new one, and returns `false` if it has a slot already or
    /// the permit has ended.
    pub(super) fn try_insert_numbered(
        &self,
        permit: SlotPermit<'_>,
        (key, state, ratio): (Key, &Packed, f32),
        made: Option<u16>,
        now: u64,
    ) -> bool {
        let stripe = self.stripe(key);
        let mut keeper = stripe.keep();
        if stripe.find(key).is_some() || !permit.is_valid() {
            return false;
        }
        stripe.sweep(&mut keeper, &self.shares, now);
        let newcomer = self.shares.newcomer(key);
        let held = self.shares.add(key);
        let placed = Placed {
            key,
            state,
            made: made.unwrap_or_else(|| keeper.next_number()),
            mark: Mark::new(newcomer.is_late(held, self.capacity), ratio),
        };
        if held < self.capacity {
            stripe.insert(&mut keeper, &placed);
            return true;
        }
        if let Some(removed) = stripe.replace(&mut keeper, &newcomer, &placed, now) {
            self.shares.remove(removed);
            return true;
        }
        // All keys are in other stripes, which are never locked beside this one.
        drop(keeper);
        self.evict(&newcomer, now);
        let mut keeper = stripe.keep();
        let inserted = stripe.find(key).is_none() && permit.is_valid();
        if inserted {
            stripe.insert(&mut keeper, &placed);
        } else {
            self.shares.remove(key);
        }
        inserted
    }

    /// Returns a number for a state of a key that takes the place of another.
    pub(super) fn next_number(&self, key: Key) -> u16 {
        self.stripe(key).keep().next_number()
    }

    /// Takes a key out, with its state and the number of that.
    pub(super) fn take(&self, key: Key) -> Option<(Packed, u16)> {
        let stripe = self.stripe(key);
        let taken = stripe.take(&mut stripe.keep(), key)?;
        self.shares.remove(key);
        Some(taken)
    }

    /// Removes all keys, one stripe after the other.
    pub(super) fn clear(&self) {
        for stripe in &self.stripes {
            stripe.clear(&mut stripe.keep(), &self.shares);
        }
    }

    /// How many keys there may be.
    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many keys there are.
    #[cfg(test)]
    pub(super) fn occupied(&self) -> usize {
        self.shares.total()
    }

    /// How many slots there are for them.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.stripes.iter().map(Stripe::slots).sum()
    }

    fn evict(&self, newcomer: &Newcomer<'_>, now: u64) {
        for _ in 0..self.stripes.len() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) & (self.stripes.len() - 1);
            let stripe = &self.stripes[turn];
            if let Some(removed) = stripe.evict(&mut stripe.keep(), newcomer, now) {
                self.shares.remove(removed);
                return;
            }
        }
    }

    #[inline]
    fn stripe(&self, key: Key) -> &Stripe {
        &self.stripes[key.first as usize & (self.stripes.len() - 1)]
    }
}

/// The length of a stripe's first segment, such that doubling it comes out just above what the stripe has to hold: a share
/// of the capacity, a twentieth more because shares are uneven, and a ninth more to keep runs short.
fn base(capacity: usize, stripes: usize) -> usize {
    let share = capacity.div_ceil(stripes);
    let mut base = share + share / 20 + share / 8 + 4;
    while base > LONGEST_BASE {
        base = base.div_ceil(2);
    }
    base
}
