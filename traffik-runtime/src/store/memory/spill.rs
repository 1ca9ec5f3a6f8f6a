//! The spill: a map for the states that do not fit a slot.
//!
//! Those are logs, means, states of several rates, states of the user's own strategies, and states
//! of one rate that a changed rate needs for longer than they themselves say.

use std::hash::BuildHasher;
use std::sync::atomic::Ordering;

// The fast variant of the hash is not enough: under some seeds the hashes of successive numbers
// miss parts of the range for hundreds of numbers.
use foldhash::quality as hash;
use indexmap::IndexMap;

use crate::decision::Report;
use crate::store::key::Key;
use crate::store::key_hasher::BuildKeyHasher;
use crate::store::lifetime::micros;
use crate::store::memory::eviction::{CANDIDATES, Newcomer, Rank, Shares};
use crate::store::memory::sync::{AtomicBool, AtomicU16, Mutex, MutexGuard};
use crate::store::plan::Limit;
use crate::strategy::kernel::packed::FULL;
use crate::strategy::kernel::state::State;

const MAX_SHARDS: usize = 16;

/// The least number of entries that fit a shard, because all keys of a set may be in one.
const MIN_ENTRIES_PER_SHARD: usize = 64;

/// The number of entries that an insertion checks for expired states.
const SWEEP_BATCH: usize = 2;

/// The states that do not fit a slot, in several shards.
#[derive(Debug)]
pub(crate) struct Spill {
    /// A power of two of shards.
    shards: Box<[Mutex<SpillShard>]>,
    /// The greatest number of entries in a shard.
    shard_capacity: usize,
    shares: Shares,
    /// `true` if there may be states here that would fit a slot: of throttles that had several
    /// rates, or of those whose changed rate needs them for longer.
    may_hold_packed: AtomicBool,
    /// The next incarnation: odd, where those of states in slots are even.
    incarnation: AtomicU16,
}

/// One part of the spill, behind a mutex of its own.
#[derive(Debug, Default)]
pub(crate) struct SpillShard {
    entries: IndexMap<Key, Entry, BuildKeyHasher>,
    clock_hand: usize,
    /// The number of random picks so far, and the seed that makes them unpredictable.
    picked: u64,
    random: hash::RandomState,
}

/// A state in the spill.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) state: State,
    /// The state's incarnation, unless it is a list, whose states have their own.
    pub(crate) incarnation: u64,
    pub(crate) expiry: Expiry,
    is_late: bool,
}

/// The fullness of a state, which ranks it for eviction, and the time until which it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expiry {
    /// The used part of the limit, from 0 to [`FULL`].
    pub(crate) fullness: u64,
    /// The microsecond at which the state expires.
    pub(crate) at: u64,
}

impl Expiry {
    /// Returns that of the state that a strategy reports on.
    pub(crate) fn of_report(report: &Report, now: u64) -> Self {
        let used = report.limit.saturating_sub(report.remaining);
        let fullness = match used.checked_mul(FULL) {
            Some(product) => product / report.limit.max(1),
            None => (u128::from(used) * u128::from(FULL) / u128::from(report.limit)) as u64,
        };
        Self {
            fullness,
            at: now.saturating_add(micros(report.reset)),
        }
    }

    /// Returns that of a state which will be written before this microsecond: it is evicted last.
    pub(crate) const fn reserved(until: u64) -> Self {
        Self {
            fullness: FULL + 1,
            at: until,
        }
    }

    /// Returns that of several states in one entry.
    pub(crate) fn of_reports(reports: impl IntoIterator<Item = Report>, now: u64) -> Self {
        let expiries = reports
            .into_iter()
            .map(|report| Self::of_report(&report, now));
        expiries.fold(Self::default(), Self::merge)
    }

    /// Returns this expiry, extended at least to this microsecond.
    pub(crate) fn extended_to(self, at: u64) -> Self {
        Self {
            at: self.at.max(at),
            ..self
        }
    }

    /// Returns the expiry of two states in one entry.
    pub(crate) fn merge(self, other: Self) -> Self {
        Self {
            fullness: self.fullness.max(other.fullness),
            at: self.at.max(other.at),
        }
    }
}

impl Entry {
    /// Returns the incarnation that the only rate of a throttle continues from.
    pub(crate) fn own_incarnation(&self, limit: &Limit) -> u64 {
        limit
            .own_incarnation(&self.state)
            .unwrap_or(self.incarnation)
    }

    /// Extends the life of the state at least to this microsecond.
    pub(crate) fn extend(&mut self, until: u64) {
        self.expiry = self.expiry.extended_to(until);
    }
}

impl Spill {
    /// Creates a spill for this many entries.
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(MIN_ENTRIES_PER_SHARD);
        let shards = (capacity / MIN_ENTRIES_PER_SHARD).min(MAX_SHARDS);
        let shards = 1 << shards.ilog2();
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            // Rounded down, so that all shards together do not exceed the capacity.
            shard_capacity: capacity / shards,
            shares: Shares::default(),
            may_hold_packed: AtomicBool::new(false),
            incarnation: AtomicU16::new(1),
        }
    }

    /// Returns the number of a key's shard.
    pub(crate) fn shard_of(&self, key: Key) -> usize {
        key.first as usize & (self.shards.len() - 1)
    }

    /// Returns the greatest number of entries in one shard.
    pub(crate) const fn shard_capacity(&self) -> usize {
        self.shard_capacity
    }

    /// Locks the shard with this number.
    pub(crate) fn lock(&self, shard: usize) -> MutexGuard<'_, SpillShard> {
        self.shards[shard].lock()
    }

    /// Locks all shards, in the order in which sets lock theirs.
    pub(crate) fn lock_all(&self) -> Vec<MutexGuard<'_, SpillShard>> {
        self.shards.iter().map(Mutex::lock).collect()
    }

    /// Removes all entries of a shard.
    pub(crate) fn clear(&self, shard: &mut SpillShard) {
        for key in shard.entries.keys() {
            self.shares.remove(*key);
        }
        *shard = SpillShard::default();
    }

    /// Returns `true` if states may be here that would fit a slot. Under the writer lock of a key's
    /// probe table, `false` is final for that key: [`mark_packed`](Self::mark_packed) comes before
    /// the key leaves the table.
    pub(crate) fn may_hold_packed(&self) -> bool {
        self.may_hold_packed.load(Ordering::Relaxed)
    }

    /// Returns the incarnation of a state that is created now. It repeats after 32 767 others.
    pub(crate) fn next_incarnation(&self) -> u64 {
        self.incarnation.fetch_add(2, Ordering::Relaxed).into()
    }

    /// Returns the entry of a key, to be written now; it is inserted if there is none.
    pub(crate) fn entry_or_insert<'s>(
        &self,
        shard: &'s mut SpillShard,
        key: Key,
        now: u64,
    ) -> &'s mut Entry {
        self.sweep(shard, now);
        let index = match shard.entries.get_index_of(&key) {
            Some(index) => index,
            None => self.insert(shard, key, now),
        };
        let entry = &mut shard.entries[index];
        if entry.expiry.at <= now {
            (entry.state, entry.incarnation) = (State::default(), self.next_incarnation());
        }
        entry
    }

    /// Inserts an entry for a key that has none, and returns its index.
    fn insert(&self, shard: &mut SpillShard, key: Key, now: u64) -> usize {
        let newcomer = self.shares.newcomer(key);
        let is_late = newcomer.is_late(shard.entries.len(), self.shard_capacity);
        if shard.entries.len() >= self.shard_capacity {
            shard.evict(&newcomer, &self.shares, now);
        }
        self.shares.add(key);
        let entry = Entry {
            is_late,
            ..Entry::default()
        };
        shard.entries.insert_full(key, entry).0
    }

    /// Removes the expired entries among a few of a shard.
    pub(crate) fn sweep(&self, shard: &mut SpillShard, now: u64) {
        for _ in 0..SWEEP_BATCH.min(shard.entries.len()) {
            let index = shard.advance();
            if shard.entries[index].expiry.at <= now {
                shard.remove(index, &self.shares);
            }
        }
    }

    /// Replaces the state of an entry by another incarnation.
    pub(crate) fn replace(&self, entry: &mut Entry, mut state: State) {
        state.set_missing_incarnations(|| self.next_incarnation());
        (entry.state, entry.incarnation) = (state, self.next_incarnation());
    }

    /// Removes a key from its shard.
    pub(crate) fn remove(&self, shard: &mut SpillShard, key: Key) {
        if shard.entries.swap_remove(&key).is_some() {
            self.shares.remove(key);
        }
    }

    /// Marks the spill: from now on states may be here that would fit a slot, and keys get slots
    /// only while their shard is locked.
    pub(crate) fn mark_packed(&self) {
        if !self.may_hold_packed() {
            self.may_hold_packed.store(true, Ordering::Relaxed);
        }
    }
}

impl SpillShard {
    /// Returns the state of a key, if it has not expired.
    pub(crate) fn state(&self, key: Key, now: u64) -> Option<&State> {
        self.entry(key, now).map(|entry| &entry.state)
    }

    /// Returns the entry of a key, if it has not expired.
    pub(crate) fn entry(&self, key: Key, now: u64) -> Option<&Entry> {
        let entry = self.entries.get(&key)?;
        (entry.expiry.at > now).then_some(entry)
    }

    /// Returns the entry of a key, if it has not expired.
    pub(crate) fn entry_mut(&mut self, key: Key, now: u64) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(&key)?;
        (entry.expiry.at > now).then_some(entry)
    }

    /// Removes the lowest-ranked of some random entries. Neighbours would be no fair choice: they
    /// came together, so whole runs of them are at their limit.
    fn evict(&mut self, newcomer: &Newcomer<'_>, shares: &Shares, now: u64) {
        let mut victim: Option<(Rank, usize)> = None;
        let mut picked = 0;
        while picked < victim.map_or(CANDIDATES, |(rank, _)| rank.required_candidates()) {
            let index = self.pick();
            let Some((key, entry)) = self.entries.get_index(index) else {
                return;
            };
            let rank = if entry.expiry.at <= now {
                Rank::Expired
            } else {
                newcomer.rank(*key, entry.expiry.fullness, entry.is_late)
            };
            if victim.is_none_or(|(lowest, _)| rank < lowest) {
                victim = Some((rank, index));
            }
            picked += 1;
        }
        if let Some((_, index)) = victim {
            self.remove(index, shares);
        }
    }

    fn remove(&mut self, index: usize, shares: &Shares) {
        if let Some((key, _)) = self.entries.swap_remove_index(index) {
            shares.remove(key);
        }
    }

    /// Returns the index of a random entry.
    fn pick(&mut self) -> usize {
        self.picked += 1;
        random_index(&self.random, self.picked, self.entries.len())
    }

    /// Moves the clock hand to the next entry, and returns its index.
    fn advance(&mut self) -> usize {
        self.clock_hand += 1;
        if self.clock_hand >= self.entries.len() {
            self.clock_hand = 0;
        }
        self.clock_hand
    }
}

/// Returns the random index, below `len`, that belongs to a number.
fn random_index(random: &impl BuildHasher, number: u64, len: usize) -> usize {
    let random = u128::from(random.hash_one(number));
    ((random * len as u128) >> u64::BITS) as usize
}

#[cfg(test)]
mod tests {
    use foldhash::SharedSeed;
    use foldhash::quality::SeedableRandomState;

    use super::random_index;

    /// The candidates of an eviction are enough to include a key that came late, under every seed.
    #[test]
    #[cfg_attr(miri, ignore = "it takes minutes")]
    fn picks_from_every_part_of_a_shard() {
        for seed in 0..2_000 {
            let shared = Box::leak(Box::new(SharedSeed::from_u64(seed)));
            let random = SeedableRandomState::with_seed(7, shared);
            let late = (1..=128).filter(|number| random_index(&random, *number, 125) >= 109);
            assert!(late.count() > 0, "seed {seed}");
        }
    }
}
