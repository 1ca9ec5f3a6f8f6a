//! The sharded table: all probe tables, and the bound on the number of keys in them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::store::key::Key;
use crate::store::memory::eviction::{Newcomer, Shares};
use crate::store::memory::probe_table::{Insertion, ProbeTable};
use crate::store::memory::rate_terms::{CapacityRatio, TermsTable};
use crate::store::memory::seqlock_slot::Slot;
use crate::store::memory::slot_permit::SlotPermit;
use crate::strategy::kernel::packed::Packed;

/// The least capacity: a set needs all its keys at once.
const MIN_CAPACITY: usize = 64;

/// With fewer keys a shard, uneven filling would cost more than a shared writer lock.
const MIN_KEYS_PER_SHARD: usize = 4_096;
const MAX_SHARDS: usize = 64;

/// The length of a shard's first segment is at most this.
const MAX_BASE: usize = 64;

/// A table of slots in several shards, with a bound on the number of keys.
#[derive(Debug)]
pub(crate) struct ShardedTable {
    shards: Box<[ProbeTable]>,
    capacity: usize,
    shares: Shares,
    /// The shard that evicts next if a new key's own shard is empty.
    eviction_cursor: AtomicUsize,
}

impl ShardedTable {
    /// Creates a table for this many keys; the number of shards is rounded up to a power of two.
    pub(crate) fn new(capacity: usize, shards: Option<usize>) -> Self {
        let capacity = capacity.max(MIN_CAPACITY);
        let wanted = shards.unwrap_or((capacity / MIN_KEYS_PER_SHARD).min(MAX_SHARDS));
        let shards = wanted.clamp(1, 1 << 16).next_power_of_two();
        let terms = Arc::new(TermsTable::new(capacity));
        Self {
            shards: (0..shards)
                .map(|_| ProbeTable::new(base(capacity, shards), &terms))
                .collect(),
            capacity,
            shares: Shares::default(),
            eviction_cursor: AtomicUsize::new(0),
        }
    }

    /// Returns the slot that seems to hold this key.
    #[inline(always)]
    pub(crate) fn find(&self, key: Key) -> Option<Slot<'_>> {
        self.shard_of(key).find(key)
    }

    /// Returns `true` if the key has no slot, not even one it is being moved to.
    pub(crate) fn is_vacant(&self, key: Key) -> bool {
        let shard = self.shard_of(key);
        let _writer = shard.lock();
        shard.find(key).is_none()
    }

    /// Gives a new key a slot with this state, and returns `false` if the key has one already. The
    /// ratio is the capacity of the strategy as a multiple of its rate's limit.
    #[cfg(all(test, not(traffik_loom)))]
    pub(crate) fn insert(&self, key: Key, state: &Packed, ratio: f32, now: u64) -> bool {
        let shard = crate::store::memory::spill::SpillShard::default();
        self.try_insert(SlotPermit::of_locked(&shard), (key, state, ratio), now)
    }

    /// Gives a key a slot with a new state, and returns `false` if it has one already or the permit
    /// has ended.
    pub(crate) fn try_insert(
        &self,
        permit: SlotPermit<'_>,
        slot: (Key, &Packed, f32),
        now: u64,
    ) -> bool {
        self.try_insert_as(permit, slot, None, now)
    }

    /// Gives a key a slot with a state of this incarnation, else of a new one, and returns `false`
    /// if it has a slot already or the permit has ended.
    pub(crate) fn try_insert_as(
        &self,
        permit: SlotPermit<'_>,
        (key, state, ratio): (Key, &Packed, f32),
        incarnation: Option<u16>,
        now: u64,
    ) -> bool {
        let shard = self.shard_of(key);
        let mut writer = shard.lock();
        if shard.find(key).is_some() || !permit.is_valid() {
            return false;
        }
        shard.sweep(&mut writer, &self.shares, now);
        let newcomer = self.shares.newcomer(key);
        let count = self.shares.add(key);
        let insertion = Insertion {
            key,
            state,
            incarnation: incarnation.unwrap_or_else(|| writer.next_incarnation()),
            ratio: CapacityRatio::new(ratio),
            is_late: newcomer.is_late(count, self.capacity),
        };
        if count < self.capacity {
            shard.insert(&mut writer, &insertion);
            return true;
        }
        if let Some(removed) = shard.replace(&mut writer, &newcomer, &insertion, now) {
            self.shares.remove(removed);
            return true;
        }
        // All keys are in other shards, and two writer locks are never held at once.
        drop(writer);
        self.evict(&newcomer, now);
        let mut writer = shard.lock();
        let inserted = shard.find(key).is_none() && permit.is_valid();
        if inserted {
            shard.insert(&mut writer, &insertion);
        } else {
            self.shares.remove(key);
        }
        inserted
    }

    /// Returns the incarnation for a state that replaces another of the same key.
    pub(crate) fn next_incarnation(&self, key: Key) -> u16 {
        self.shard_of(key).lock().next_incarnation()
    }

    /// Removes a key, and returns its state with its incarnation.
    pub(crate) fn extract(&self, key: Key) -> Option<(Packed, u16)> {
        let shard = self.shard_of(key);
        let extracted = shard.extract(&mut shard.lock(), key)?;
        self.shares.remove(key);
        Some(extracted)
    }

    /// Removes all keys, one shard after the other.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            shard.clear(&mut shard.lock(), &self.shares);
        }
    }

    /// Returns the greatest number of keys.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns the number of keys.
    #[cfg(all(test, not(traffik_loom)))]
    pub(crate) fn occupied(&self) -> usize {
        self.shares.total()
    }

    /// Returns the number of slots.
    #[cfg(all(test, not(traffik_loom)))]
    pub(crate) fn slots(&self) -> usize {
        self.shards.iter().map(ProbeTable::slots).sum()
    }

    /// Removes a key from the next shard that has one.
    fn evict(&self, newcomer: &Newcomer<'_>, now: u64) {
        for _ in 0..self.shards.len() {
            let next =
                self.eviction_cursor.fetch_add(1, Ordering::Relaxed) & (self.shards.len() - 1);
            let shard = &self.shards[next];
            if let Some(removed) = shard.evict(&mut shard.lock(), newcomer, now) {
                self.shares.remove(removed);
                return;
            }
        }
    }

    #[inline]
    fn shard_of(&self, key: Key) -> &ProbeTable {
        &self.shards[key.first as usize & (self.shards.len() - 1)]
    }
}

/// Returns the length of a shard's first segment, so that some doubling of it is just above the
/// slots that the shard needs: its part of the capacity, a twentieth more because shards fill
/// unevenly, and an eighth more to keep runs short.
fn base(capacity: usize, shards: usize) -> usize {
    let share = capacity.div_ceil(shards);
    let mut base = share + share / 20 + share / 8 + 4;
    while base > MAX_BASE {
        base = base.div_ceil(2);
    }
    base
}
