//! The memory backend: states in this process, in a table of seqlock slots with a hard bound.
//!
//! A key is a 128-bit hash. Its state is a few words beside it in a [`seqlock_slot`], which is found by
//! linear probing ([`probe_table`]) in one shard of the [`sharded_table`]. States that do not fit a slot are in
//! the [`spill`].
//!
//! | protocol | file |
//! |---|---|
//! | one hit, decided without a lock | [`optimistic`], [`changed_rate`] |
//! | a set of hits, decided all or nothing | [`locked`] |
//! | 1. lock the spill shards of a set | [`shard_locks`] |
//! | 2. read states without slot locks | [`peek`] |
//! | 3. reserve and lock the slots of a set | [`slot_locks`] |
//! | 4. write the states of an admitted set | [`write_set`] |
//! | spill → slot, slot → spill | [`move_to_slot`], [`move_to_spill`] |
//! | states of changed rates live longer | [`extend`] |
//! | the clock was set back | [`clock_skew`] |
//! | settlements | [`settle`] |
//! | eviction | [`shares`] |
//!
//! The order of the locks is stated in [`shard_locks`].

pub(crate) mod bytes;
pub(crate) mod changed_rate;
pub(crate) mod clear;
pub(crate) mod clock_skew;
#[cfg(test)]
pub(crate) mod concurrency_fixtures;
pub(crate) mod extend;
pub(crate) mod locked;
#[cfg(all(test, traffik_loom))]
pub(crate) mod loom_model;
pub(crate) mod move_to_slot;
pub(crate) mod move_to_spill;
pub(crate) mod optimistic;
pub(crate) mod peek;
pub(crate) mod probe_table;
pub(crate) mod room;
pub(crate) mod seqlock_slot;
pub(crate) mod settle;
pub(crate) mod shard_locks;
pub(crate) mod sharded_table;
pub(crate) mod shares;
pub(crate) mod slot_locks;
pub(crate) mod slot_permit;
pub(crate) mod spill;
pub(crate) mod state_store;
pub(crate) mod sync;
#[cfg(all(test, not(traffik_loom)))]
mod tests;
pub(crate) mod write_set;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::backend::Backend;
use crate::client_ip::resolve::ClientIp;
use crate::clock::Clock;
use crate::clock::system::SystemClock;
use crate::error::Error;
use crate::store::memory::sharded_table::ShardedTable;
use crate::store::memory::spill::Spill;

/// All states of a memory backend.
#[derive(Debug)]
pub(crate) struct Memory {
    table: ShardedTable,
    spill: Spill,
    closed: AtomicBool,
}

impl Memory {
    /// Closes the backend: every later decision fails, and all states are removed.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.clear();
    }

    /// Returns `true` once the backend was closed.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Runs an action on the states, or returns an error if the backend is closed.
    fn unless_closed<T>(&self, action: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        if self.is_closed() {
            return Err(Error::closed());
        }
        action()
    }
}

/// Settings of a memory backend.
///
/// ```
/// use traffik::MemoryBackend;
///
/// let backend = MemoryBackend::builder().capacity(100_000).build();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MemoryBackend {
    capacity: usize,
    shards: Option<usize>,
    clock: Option<Arc<dyn Clock>>,
    client_ip: ClientIp,
}

impl MemoryBackend {
    /// Returns the defaults: a million keys, a number of shards that suits them, the system's
    /// clock.
    pub const fn builder() -> Self {
        Self {
            capacity: 1_000_000,
            shards: None,
            clock: None,
            client_ip: ClientIp::new(),
        }
    }

    /// Sets the greatest number of keys, at least 64; default 1 000 000. A client of a throttle is
    /// one key.
    ///
    /// Memory is allocated as keys come, 60 to 135 bytes a key. Logs, means and the states of your
    /// own strategies are larger. They are counted separately, up to the same number. A set of
    /// throttles that needs more keys at once is an error,
    /// [`ErrorKind::Configuration`](crate::error::ErrorKind::Configuration).
    ///
    /// # Eviction
    ///
    /// In a full table a new key evicts another, which is chosen among a few dozen random ones: one
    /// that has expired, otherwise one of a throttle that has more keys than its share, otherwise
    /// any. Among those it is the one that has used least of what its strategy admits to a new
    /// client at once. A throttle's share is seven eighths of the capacity, divided by the number
    /// of throttles that have keys. Once a throttle has more keys than that, its new keys evict its
    /// own, except that clients at their limit stay while there are others that are not.
    ///
    /// **A flood of new keys does not reset a client that is at its limit**, for every strategy and
    /// any number of keys, if
    ///
    /// * the keys are those of other throttles, each of which has more keys than its share, or
    /// * the keys are those of the client's own throttle, and the client came before the flood
    ///   filled the last eighth of the capacity, or the flood's clients do not reach their own
    ///   limits.
    ///
    /// As long as such clients are at most three quarters of the capacity, fewer than one new key
    /// in a million is an exception. This is not guaranteed for clients that come during a flood
    /// whose clients, of the same throttle, reach their limit at once, as with `1/hour`. Of these,
    /// the latest are remembered in about an eighth of the capacity; the others are forgotten.
    /// Where that matters, raise the capacity.
    ///
    /// A client's use is estimated to a hundredth. If its limit depends on the time of day, the
    /// limit at its first hit counts. Two throttles count as one for all of this with a probability
    /// of 1 in 4 096, because twelve bits of a hash distinguish them.
    pub fn capacity(self, keys: usize) -> Self {
        Self {
            capacity: keys,
            ..self
        }
    }

    /// Sets the number of shards of the table, rounded up to a power of two. Only new keys of one
    /// shard wait for each other.
    pub fn shards(self, shards: usize) -> Self {
        Self {
            shards: Some(shards),
            ..self
        }
    }

    /// Sets the clock; default: the system's.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self {
            clock: Some(Arc::new(clock)),
            ..self
        }
    }

    /// Sets the trusted proxies, like [`Backend::trusted_proxies`].
    pub fn trusted_proxies(self, ranges: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self {
            client_ip: self.client_ip.trusted(ranges),
            ..self
        }
    }

    /// Sets the source of client addresses, like [`Backend::client_ip`].
    pub fn client_ip(self, client_ip: ClientIp) -> Self {
        Self { client_ip, ..self }
    }

    /// Creates an empty backend.
    pub fn build(self) -> Backend {
        if self.clock.is_none() {
            // The clock is set up once for the process, which takes a millisecond or more: not at
            // the first hit.
            SystemClock::new().now_micros();
        }
        let memory = Memory {
            table: ShardedTable::new(self.capacity, self.shards),
            spill: Spill::new(self.capacity),
            closed: AtomicBool::new(false),
        };
        Backend::of(Arc::new(memory), self.clock, self.capacity).client_ip(self.client_ip)
    }
}

impl From<MemoryBackend> for Backend {
    fn from(settings: MemoryBackend) -> Self {
        settings.build()
    }
}
