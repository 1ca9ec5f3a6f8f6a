//! The builder of backends in this process's memory.

use std::sync::Arc;

use crate::backend::Backend;
use crate::backend::settings::client_ip_setters;
use crate::client_ip::resolve::ClientIp;
use crate::clock::Clock;
use crate::clock::system::SystemClock;
use crate::store::handle::StoreHandle;
use crate::store::memory::Memory;

impl Backend {
    /// Creates an empty backend in this process's memory, for up to a million keys; see
    /// [`MemoryBackend`] for settings.
    pub fn memory() -> Self {
        MemoryBackend::builder().build()
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
    /// Memory is allocated as keys come, 40 to 85 bytes a key. Logs, means and the states of your
    /// own strategies are larger. So are, by some 50 bytes, states of rates beyond the first two
    /// thousand different ones, and counts of two windows beyond 2^32. Logs, means and states of
    /// your own strategies are counted separately, up to the same number. A set of throttles that
    /// needs more keys at once is an error,
    /// [`ErrorKind::Configuration`](crate::error::ErrorKind::Configuration).
    ///
    /// # Eviction
    ///
    /// In a full table a new key evicts another, which is chosen among a few dozen random ones: one
    /// that has expired, otherwise one of a throttle that has more keys than its share, otherwise
    /// any. Among those it is the first that has used less than a seventh of what its strategy
    /// admits to a new client at once, otherwise the one that has used least of it, as far as that
    /// was measured when its state was last looked at. A throttle's share is seven eighths of the
    /// capacity, divided by the number of throttles that have keys. Once a throttle has more keys
    /// than that, its new keys evict its own, except that clients at their limit stay while there
    /// are others that are not.
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
    /// A strategy's capacity beyond a million is estimated to a millionth. If a limit depends on
    /// the time of day, the limit at the client's first hit counts. Two throttles count as one for
    /// all of this with a probability of 1 in 4 096, because twelve bits of a hash distinguish
    /// them.
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

    /// Creates an empty backend.
    pub fn build(self) -> Backend {
        if self.clock.is_none() {
            // The clock is set up once for the process, which takes a millisecond or more: not at
            // the first hit.
            SystemClock::new().now_micros();
        }
        let memory = Memory::new(self.capacity, self.shards);
        let store = StoreHandle::local(Arc::new(memory), self.capacity, self.clock);
        Backend::new(store, true).client_ip(self.client_ip)
    }
}

client_ip_setters!(MemoryBackend);

impl From<MemoryBackend> for Backend {
    fn from(settings: MemoryBackend) -> Self {
        settings.build()
    }
}
