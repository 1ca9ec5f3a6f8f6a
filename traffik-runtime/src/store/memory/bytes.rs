//! The byte store of the memory backend: values with a time to live, in this process.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::clock::system::SystemClock;
use crate::error::Error;
use crate::store::byte_store::{Store, sum};

/// The number of entries that a write checks for expired ones.
const SWEEP_BATCH: usize = 2;

/// The number of entries that a write checks if there is no room for a new key.
const SWEEP_BATCH_WHEN_FULL: usize = 64;

/// A map from keys to bytes; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Bytes {
    map: Arc<Mutex<Map>>,
    clock: Option<Arc<dyn Clock>>,
}

/// The entries, behind the mutex.
#[derive(Debug)]
struct Map {
    entries: IndexMap<String, Entry>,
    /// The greatest number of entries. Live entries are never dropped to make room, because a
    /// forgotten lock or counter is worse than an error.
    capacity: usize,
    clock_hand: usize,
    closed: bool,
}

/// A value in the map.
#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    /// The microsecond at which the entry expires.
    expires: u64,
}

impl Bytes {
    /// Creates an empty map; without a clock it uses the system's.
    pub(crate) fn new(capacity: usize, clock: Option<Arc<dyn Clock>>) -> Self {
        let map = Map {
            entries: IndexMap::new(),
            capacity,
            clock_hand: 0,
            closed: false,
        };
        Self {
            map: Arc::new(Mutex::new(map)),
            clock,
        }
    }

    /// Returns a handle to this map with another clock.
    pub(crate) fn clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self {
            map: self.map.clone(),
            clock: Some(clock),
        }
    }

    /// Runs an action on the locked map at the present time, or returns an error if it is closed.
    fn with<T>(&self, action: impl FnOnce(&mut Map, u64) -> Result<T, Error>) -> Result<T, Error> {
        let now = self.clock.as_ref().map_or_else(
            || SystemClock::new().now_micros(),
            |clock| clock.now_micros(),
        );
        let mut map = self.map.lock();
        if map.closed {
            return Err(Error::closed());
        }
        action(&mut map, now)
    }
}

impl Map {
    /// Returns the entry of a key, if it has not expired.
    fn live(&self, key: &str, now: u64) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.expires > now)
    }

    /// Returns the value of a key, if it has not expired.
    fn value(&self, key: &str, now: u64) -> Option<&[u8]> {
        self.live(key, now).map(|entry| &*entry.value)
    }

    /// Writes a value. Without a time to live, it expires when the previous value would have.
    fn write(
        &mut self,
        key: &str,
        value: &[u8],
        ttl: Option<Duration>,
        now: u64,
    ) -> Result<(), Error> {
        let previous = self.live(key, now).map_or(u64::MAX, |entry| entry.expires);
        let entry = Entry {
            value: value.to_vec(),
            expires: ttl.map_or(previous, |ttl| now.saturating_add(micros(ttl))),
        };
        self.sweep(SWEEP_BATCH, now);
        let full = |map: &Self| map.entries.len() >= map.capacity && !map.entries.contains_key(key);
        if full(self) {
            self.sweep(SWEEP_BATCH_WHEN_FULL, now);
        }
        if full(self) {
            let message = format!("it holds {} keys already", self.capacity);
            return Err(Error::backend(message));
        }
        self.entries.insert(key.to_owned(), entry);
        Ok(())
    }

    /// Removes the expired entries among this many.
    fn sweep(&mut self, entries: usize, now: u64) {
        for _ in 0..entries.min(self.entries.len()) {
            self.clock_hand = (self.clock_hand + 1) % self.entries.len().max(1);
            if self
                .entries
                .get_index(self.clock_hand)
                .is_some_and(|(_, entry)| entry.expires <= now)
            {
                self.entries.swap_remove_index(self.clock_hand);
            }
        }
    }
}

impl Store for Bytes {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.with(|map, now| Ok(map.value(key, now).map(<[u8]>::to_vec)))
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        self.with(|map, now| {
            if map.value(key, now) != expected {
                return Ok(false);
            }
            match new {
                Some(new) => map.write(key, new, ttl, now)?,
                None => drop(map.entries.swap_remove(key)),
            }
            Ok(true)
        })
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        self.with(|map, now| map.write(key, value, ttl.or(Some(Duration::MAX)), now))
    }

    async fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Error> {
        self.with(|map, now| {
            let old = map.value(key, now);
            let sum = sum(key, old, by)?;
            let ttl = ttl.filter(|_| old.is_none());
            map.write(key, sum.to_string().as_bytes(), ttl, now)?;
            Ok(sum)
        })
    }

    /// Removes all keys: all of them belong to this backend.
    async fn clear(&self, _: &str) -> Result<(), Error> {
        self.with(|map, _| {
            map.entries.clear();
            Ok(())
        })
    }

    async fn ready(&self) -> Result<(), Error> {
        self.with(|_, _| Ok(()))
    }

    async fn close(&self) -> Result<(), Error> {
        let mut map = self.map.lock();
        map.entries.clear();
        map.closed = true;
        Ok(())
    }
}

/// Returns a time to live in microseconds, rounded up so that nothing expires too early.
fn micros(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}
