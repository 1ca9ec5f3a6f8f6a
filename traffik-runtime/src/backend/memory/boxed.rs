//! States that do not fit a slot: those of the user's own strategies, as bytes.

use indexmap::IndexMap;
use parking_lot::{Mutex, MutexGuard};

use crate::backend::key::Key;

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
}

#[derive(Debug, Default)]
pub(super) struct Shard {
    entries: IndexMap<Key, Entry>,
    hand: usize,
}

#[derive(Debug)]
struct Entry {
    bytes: Vec<u8>,
    /// The microsecond from which this is no state.
    expires: u64,
}

impl Boxed {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            shards: Default::default(),
            capacity: capacity.div_ceil(SHARDS),
        }
    }

    pub(super) const fn shard_of(key: Key) -> usize {
        key.first as usize % SHARDS
    }

    pub(super) fn lock(&self, shard: usize) -> MutexGuard<'_, Shard> {
        self.shards[shard].lock()
    }

    pub(super) fn write(
        &self,
        shard: &mut Shard,
        key: Key,
        bytes: Vec<u8>,
        expires: u64,
        now: u64,
    ) {
        shard.sweep(now);
        if shard.entries.len() >= self.capacity && !shard.entries.contains_key(&key) {
            shard.evict();
        }
        shard.entries.insert(key, Entry { bytes, expires });
    }
}

impl Shard {
    pub(super) fn read(&self, key: Key, now: u64) -> Option<&[u8]> {
        let entry = self.entries.get(&key)?;
        (entry.expires > now).then_some(&entry.bytes)
    }

    fn sweep(&mut self, now: u64) {
        for _ in 0..SWEPT_EACH_TIME.min(self.entries.len()) {
            let index = self.turn();
            if self.entries[index].expires <= now {
                self.entries.swap_remove_index(index);
            }
        }
    }

    fn evict(&mut self) {
        let mut soonest = None;
        for _ in 0..CANDIDATES.min(self.entries.len()) {
            let index = self.turn();
            let candidate = (self.entries[index].expires, index);
            soonest = Some(soonest.map_or(candidate, |soonest| candidate.min(soonest)));
        }
        if let Some((_, index)) = soonest {
            self.entries.swap_remove_index(index);
        }
    }

    fn turn(&mut self) -> usize {
        self.hand = (self.hand + 1) % self.entries.len().max(1);
        self.hand
    }
}
