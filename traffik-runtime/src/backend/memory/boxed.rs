//! The overflow map: states that do not fit a slot, which are logs, means, those of several rates, those of the user's own
//! strategies, and those of one rate that a changed rate needs for longer than they say themselves.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

// The fast variant of the hash is not enough: under some seeds the hashes of successive numbers leave parts of the range
// out for hundreds of numbers.
use foldhash::quality as hash;
use indexmap::IndexMap;
use parking_lot::{Mutex, MutexGuard};

use super::shares::{CANDIDATES, Newcomer, Rank, Shares};
use crate::backend::key::Key;
use crate::backend::plan::Term;
use crate::decision::Report;
use crate::strategy::State;
use crate::strategy::kernel::FULL;

const MOST_SHARDS: usize = 16;

/// A shard has room for all members of a set, which may be in the same one.
const LEAST_ENTRIES_PER_SHARD: usize = 64;

/// How many entries an insertion looks at to remove what has expired.
const SWEPT_EACH_TIME: usize = 2;

#[derive(Debug)]
pub(super) struct Boxed {
    /// A power of two of them.
    shards: Box<[Mutex<Shard>]>,
    /// Entries a shard may hold.
    capacity: usize,
    shares: Shares,
    /// Whether there may be states here of throttles whose states belong in slots: because they had several rates, or
    /// because a changed rate needs a state for longer.
    holds_packed: AtomicBool,
    /// The number of the newest state: odd, so that it is none of those that stripes give.
    made: AtomicU16,
}

#[derive(Debug, Default)]
pub(super) struct Shard {
    entries: IndexMap<Key, Entry>,
    hand: usize,
    /// How many places were picked at random, and what makes them unforeseeable.
    picked: u64,
    random: hash::RandomState,
}

#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) state: State,
    /// The number of the state, unless it is a list, whose states have numbers of their own.
    pub(super) made: u64,
    pub(super) prospect: Prospect,
    is_late: bool,
}

/// What a law says of a state it has given: how much it will be missed, and until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Prospect {
    /// How much of the limit is taken, from 0 to [`FULL`].
    pub(super) fullness: u64,
    /// The microsecond from which this is no state.
    pub(super) expires: u64,
}

impl Prospect {
    pub(super) fn new(report: &Report, now: u64) -> Self {
        let taken = u128::from(report.limit.saturating_sub(report.remaining));
        let lives = report.reset.as_nanos().div_ceil(1_000);
        Self {
            fullness: (taken * u128::from(FULL) / u128::from(report.limit.max(1))) as u64,
            expires: now.saturating_add(u64::try_from(lives).unwrap_or(u64::MAX)),
        }
    }

    /// That of a state which is about to be written, at the latest at this microsecond: above every client's.
    pub(super) const fn reserved(until: u64) -> Self {
        Self {
            fullness: FULL + 1,
            expires: until,
        }
    }

    /// That of states kept together, as their laws report them.
    pub(super) fn of_all(reports: impl IntoIterator<Item = Report>, now: u64) -> Self {
        let prospects = reports.into_iter().map(|report| Self::new(&report, now));
        prospects.fold(Self::default(), Self::with)
    }

    /// The same, lasting at least until this microsecond.
    pub(super) fn until(self, expires: u64) -> Self {
        Self {
            expires: self.expires.max(expires),
            ..self
        }
    }

    /// That of two states kept together.
    fn with(self, other: Self) -> Self {
        Self {
            fullness: self.fullness.max(other.fullness),
            expires: self.expires.max(other.expires),
        }
    }
}

impl Entry {
    /// The number of the state that a throttle's only rate goes on from.
    pub(super) fn own_number(&self, term: &Term) -> u64 {
        term.own_number(&self.state).unwrap_or(self.made)
    }

    /// Lets it live at least until this microsecond.
    pub(super) fn lengthen(&mut self, until: u64) {
        self.prospect = self.prospect.until(until);
    }
}

impl Boxed {
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(LEAST_ENTRIES_PER_SHARD);
        let shards = (capacity / LEAST_ENTRIES_PER_SHARD).min(MOST_SHARDS);
        let shards = 1 << shards.ilog2();
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            // Rounded down: together no more than the capacity.
            capacity: capacity / shards,
            shares: Shares::default(),
            holds_packed: AtomicBool::new(false),
            made: AtomicU16::new(1),
        }
    }

    pub(super) fn shard_of(&self, key: Key) -> usize {
        key.first as usize & (self.shards.len() - 1)
    }

    /// How many keys there is room for in one shard.
    pub(super) const fn room(&self) -> usize {
        self.capacity
    }

    pub(super) fn lock(&self, shard: usize) -> MutexGuard<'_, Shard> {
        self.shards[shard].lock()
    }

    /// Locks all shards, in the order in which plans lock theirs.
    pub(super) fn lock_all(&self) -> Vec<MutexGuard<'_, Shard>> {
        self.shards.iter().map(Mutex::lock).collect()
    }

    /// Removes all entries of a shard, and returns the room they took.
    pub(super) fn clear(&self, shard: &mut Shard) {
        for key in shard.entries.keys() {
            self.shares.remove(*key);
        }
        *shard = Shard::default();
    }

    /// Whether the state of a throttle of one rate may be here. What it says is final under the mutex of a key's stripe:
    /// [`mark_packed`](Self::mark_packed) comes before the key is taken out of that.
    pub(super) fn may_hold_packed(&self) -> bool {
        self.holds_packed.load(Ordering::Relaxed)
    }

    /// Returns the number of a state that is made now. It comes again after 32 767 others, as that of a slot's.
    pub(super) fn next_number(&self) -> u64 {
        self.made.fetch_add(2, Ordering::Relaxed).into()
    }

    /// The entry of a key, to be written now.
    pub(super) fn entry<'s>(&self, shard: &'s mut Shard, key: Key, now: u64) -> &'s mut Entry {
        shard.sweep(&self.shares, now);
        let mut is_late = false;
        if !shard.entries.contains_key(&key) {
            let newcomer = self.shares.newcomer(key);
            is_late = newcomer.is_late(shard.entries.len(), self.capacity);
            if shard.entries.len() >= self.capacity {
                shard.evict(&newcomer, &self.shares, now);
            }
            self.shares.add(key);
        }
        let entry = shard.entries.entry(key).or_insert_with(|| Entry {
            is_late,
            ..Entry::default()
        });
        if entry.prospect.expires <= now {
            (entry.state, entry.made) = (State::default(), self.next_number());
        }
        entry
    }

    /// Puts a state in the place of an entry's that was far ahead of the clock (L4); it is another one.
    pub(super) fn replace(&self, entry: &mut Entry, mut filled: State) {
        filled.number_new(|| self.next_number());
        (entry.state, entry.made) = (filled, self.next_number());
    }

    /// Removes a key from its shard.
    pub(super) fn remove(&self, shard: &mut Shard, key: Key) {
        if shard.entries.swap_remove(&key).is_some() {
            self.shares.remove(key);
        }
    }

    /// Notes that a state may be here that belongs in a slot. From then on slots are given to keys only while their shard
    /// is locked.
    pub(super) fn mark_packed(&self) {
        if !self.may_hold_packed() {
            self.holds_packed.store(true, Ordering::Relaxed);
        }
    }
}

impl Shard {
    pub(super) fn read(&self, key: Key, now: u64) -> Option<&State> {
        self.entry(key, now).map(|entry| &entry.state)
    }

    /// The entry of a key as it is, if it has not expired.
    pub(super) fn entry(&self, key: Key, now: u64) -> Option<&Entry> {
        let entry = self.entries.get(&key)?;
        (entry.prospect.expires > now).then_some(entry)
    }

    /// The entry of a key, if it has not expired.
    pub(super) fn find(&mut self, key: Key, now: u64) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(&key)?;
        (entry.prospect.expires > now).then_some(entry)
    }

    fn sweep(&mut self, shares: &Shares, now: u64) {
        for _ in 0..SWEPT_EACH_TIME.min(self.entries.len()) {
            let index = self.turn();
            if self.entries[index].prospect.expires <= now {
                self.remove(index, shares);
            }
        }
    }

    /// Removes the entry that will be missed least of some at random places. Its neighbours would not do: they came with it,
    /// so whole runs of them are at their limit.
    fn evict(&mut self, newcomer: &Newcomer<'_>, shares: &Shares, now: u64) {
        let mut least: Option<(Rank, usize)> = None;
        let mut picked = 0;
        while picked < least.map_or(CANDIDATES, |(rank, _)| rank.enough()) {
            let index = self.pick();
            let Some((key, entry)) = self.entries.get_index(index) else {
                return;
            };
            let rank = if entry.prospect.expires <= now {
                Rank::Expired
            } else {
                newcomer.rank(*key, entry.prospect.fullness, entry.is_late)
            };
            if least.is_none_or(|(least, _)| rank < least) {
                least = Some((rank, index));
            }
            picked += 1;
        }
        if let Some((_, index)) = least {
            self.remove(index, shares);
        }
    }

    fn remove(&mut self, index: usize, shares: &Shares) {
        if let Some((key, _)) = self.entries.swap_remove_index(index) {
            shares.remove(key);
        }
    }

    /// Picks a place at random.
    fn pick(&mut self) -> usize {
        self.picked += 1;
        place(&self.random, self.picked, self.entries.len())
    }

    fn turn(&mut self) -> usize {
        self.hand = (self.hand + 1) % self.entries.len().max(1);
        self.hand
    }
}

/// Returns the random place, below `len`, that belongs to a number.
fn place(random: &impl BuildHasher, number: u64, len: usize) -> usize {
    let random = u128::from(random.hash_one(number));
    ((random * len as u128) >> u64::BITS) as usize
}

#[cfg(test)]
mod tests {
    use foldhash::SharedSeed;

    use super::hash::SeedableRandomState;
    use super::place;

    /// Candidates enough to find one of the keys that came late, under every seed of the process.
    #[test]
    fn picks_from_every_part_of_a_shard() {
        for seed in 0..2_000 {
            let shared = Box::leak(Box::new(SharedSeed::from_u64(seed)));
            let random = SeedableRandomState::with_seed(7, shared);
            let late = (1..=128).filter(|number| place(&random, *number, 125) >= 109);
            assert!(late.count() > 0, "seed {seed}");
        }
    }
}
