//! The embedded backend's primitives: bytes with a time to live, in this process.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use parking_lot::Mutex;

use super::primitives::{Store, sum};
use crate::clock::{Clock, SystemClock};
use crate::error::Error;

/// How many entries a write looks at to remove what has expired, and how many if there is no room.
const SWEPT: usize = 2;
const SWEPT_WHEN_FULL: usize = 64;

/// Bytes by key; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Bytes {
    map: Arc<Mutex<Map>>,
    clock: Option<Arc<dyn Clock>>,
}

#[derive(Debug)]
struct Map {
    entries: IndexMap<String, Entry>,
    /// How many there may be. What has not expired is never dropped to make room: a lock or a counter that is forgotten
    /// is worse than an error.
    capacity: usize,
    hand: usize,
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    /// The microsecond from which this is no entry.
    expires: u64,
}

impl Bytes {
    pub(super) fn new(capacity: usize, clock: Option<Arc<dyn Clock>>) -> Self {
        let map = Map {
            entries: IndexMap::new(),
            capacity,
            hand: 0,
            closed: false,
        };
        Self {
            map: Arc::new(Mutex::new(map)),
            clock,
        }
    }

    /// The same bytes under another clock.
    pub(super) fn clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self {
            map: self.map.clone(),
            clock: Some(clock),
        }
    }

    /// Does something to the map, at a moment.
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
    fn live(&self, key: &str, now: u64) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.expires > now)
    }

    fn value(&self, key: &str, now: u64) -> Option<&[u8]> {
        self.live(key, now).map(|entry| &*entry.value)
    }

    /// Writes a value that lives as long as the one before if it is not said how long.
    fn write(
        &mut self,
        key: &str,
        value: &[u8],
        ttl: Option<Duration>,
        now: u64,
    ) -> Result<(), Error> {
        let kept = self.live(key, now).map_or(u64::MAX, |entry| entry.expires);
        let entry = Entry {
            value: value.to_vec(),
            expires: ttl.map_or(kept, |ttl| now.saturating_add(micros(ttl))),
        };
        self.sweep(SWEPT, now);
        let full = |map: &Self| map.entries.len() >= map.capacity && !map.entries.contains_key(key);
        if full(self) {
            self.sweep(SWEPT_WHEN_FULL, now);
        }
        if full(self) {
            let message = format!("it holds {} keys already", self.capacity);
            return Err(Error::backend(message));
        }
        self.entries.insert(key.to_owned(), entry);
        Ok(())
    }

    fn sweep(&mut self, entries: usize, now: u64) {
        for _ in 0..entries.min(self.entries.len()) {
            self.hand = (self.hand + 1) % self.entries.len().max(1);
            if self
                .entries
                .get_index(self.hand)
                .is_some_and(|(_, entry)| entry.expires <= now)
            {
                self.entries.swap_remove_index(self.hand);
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

    /// All its keys are this backend's.
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

/// Rounded up to a microsecond, as everything that is not to end too early.
fn micros(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}
