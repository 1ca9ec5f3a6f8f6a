//! States that do not fit a slot: logs, means, those of several rates, and those of the user's own strategies.

use std::sync::atomic::{AtomicBool, Ordering};

use indexmap::IndexMap;
use parking_lot::{Mutex, MutexGuard};

use crate::backend::key::Key;
use crate::decision::Report;
use crate::strategy::State;
use crate::strategy::kernel::Packed;

const SHARDS: usize = 16;

/// How many entries an insertion looks at to remove what has expired.
const SWEPT_EACH_TIME: usize = 2;

/// How many candidates are compared when one has to go.
const CANDIDATES: usize = 16;

#[derive(Debug)]
pub(super) struct Boxed {
    shards: [Mutex<Shard>; SHARDS],
    /// Entries a shard may hold.
    capacity: usize,
    /// Whether any throttle has had several rates; such a state is looked for when there is only one left.
    lists: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct Shard {
    entries: IndexMap<Key, Entry>,
    hand: usize,
}

#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) state: State,
    pub(super) prospect: Prospect,
}

/// What a law says of a state it has given: how much it will be missed, and until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Prospect {
    /// How much of the limit is taken, in 65 536ths.
    fullness: u64,
    /// The microsecond from which this is no state.
    expires: u64,
}

impl Prospect {
    pub(super) fn new(report: &Report, now: u64) -> Self {
        let taken = u128::from(report.limit.saturating_sub(report.remaining));
        let lives = report.reset.as_nanos().div_ceil(1_000);
        Self {
            fullness: ((taken << 16) / u128::from(report.limit.max(1))) as u64,
            expires: now.saturating_add(u64::try_from(lives).unwrap_or(u64::MAX)),
        }
    }

    /// What a state says of itself that was beside its key before.
    pub(super) fn of(packed: &Packed) -> Self {
        Self {
            fullness: packed.fullness(),
            expires: packed.expires(),
        }
    }

    /// The same, lasting at least until this microsecond.
    pub(super) fn until(self, expires: u64) -> Self {
        Self {
            expires: self.expires.max(expires),
            ..self
        }
    }

    /// That of two states kept together.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            fullness: self.fullness.max(other.fullness),
            expires: self.expires.max(other.expires),
        }
    }
}

impl Boxed {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            shards: Default::default(),
            // Rounded down: together no more than the capacity.
            capacity: (capacity / SHARDS).max(1),
            lists: AtomicBool::new(false),
        }
    }

    pub(super) const fn shard_of(key: Key) -> usize {
        key.first as usize % SHARDS
    }

    pub(super) fn lock(&self, shard: usize) -> MutexGuard<'_, Shard> {
        self.shards[shard].lock()
    }

    /// Locks all shards, in the order in which plans lock theirs.
    pub(super) fn lock_all(&self) -> [MutexGuard<'_, Shard>; SHARDS] {
        std::array::from_fn(|shard| self.lock(shard))
    }

    /// Whether any throttle has had several rates.
    pub(super) fn has_lists(&self) -> bool {
        self.lists.load(Ordering::Relaxed)
    }

    /// The entry of a key, to be written now.
    pub(super) fn entry<'s>(&self, shard: &'s mut Shard, key: Key, now: u64) -> &'s mut Entry {
        shard.sweep(now);
        if shard.entries.len() >= self.capacity && !shard.entries.contains_key(&key) {
            shard.evict(now);
        }
        let entry = shard.entries.entry(key).or_default();
        if entry.prospect.expires <= now {
            entry.state = State::default();
        }
        entry
    }

    /// Notes that there is a state of several rates.
    pub(super) fn note_list(&self) {
        if !self.has_lists() {
            self.lists.store(true, Ordering::Relaxed);
        }
    }
}

impl Shard {
    pub(super) fn read(&self, key: Key, now: u64) -> Option<&State> {
        let entry = self.entries.get(&key)?;
        (entry.prospect.expires > now).then_some(&entry.state)
    }

    /// Takes a state out.
    pub(super) fn take(&mut self, key: Key, now: u64) -> Option<State> {
        let entry = self.entries.swap_remove(&key)?;
        (entry.prospect.expires > now).then_some(entry.state)
    }

    /// Removes all entries, and returns the room they took.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn sweep(&mut self, now: u64) {
        for _ in 0..SWEPT_EACH_TIME.min(self.entries.len()) {
            let index = self.turn();
            if self.entries[index].prospect.expires <= now {
                self.entries.swap_remove_index(index);
            }
        }
    }

    fn evict(&mut self, now: u64) {
        let mut least = None;
        for _ in 0..CANDIDATES.min(self.entries.len()) {
            let index = self.turn();
            let prospect = self.entries[index].prospect;
            let missed = (prospect.expires > now).then_some(prospect);
            least = Some(least.map_or((missed, index), |least| (missed, index).min(least)));
        }
        if let Some((_, index)) = least {
            self.entries.swap_remove_index(index);
        }
    }

    fn turn(&mut self) -> usize {
        self.hand = (self.hand + 1) % self.entries.len().max(1);
        self.hand
    }
}
