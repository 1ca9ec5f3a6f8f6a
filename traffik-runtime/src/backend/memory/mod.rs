//! The embedded backend: states in this process, behind no lock but a slot's own.
//!
//! A key is a 128-bit hash, its state a few words beside it ([`slot`]), found by linear probing ([`stripe`]) in a table
//! with a hard bound ([`table`]). States of the user's own strategies are bytes in a map of their own ([`boxed`]). One
//! hit is decided optimistically ([`alone`]), a set with every slot it needs locked in order ([`decide`]).

mod alone;
mod boxed;
mod changed_rate;
mod clear;
mod clock_skew;
mod decide;
mod extend;
mod move_to_slot;
mod move_to_spill;
mod peek;
mod room;
mod settle;
mod shard_locks;
mod shares;
mod slot;
mod slot_locks;
mod slot_permit;
mod state_store;
mod stripe;
mod table;
#[cfg(test)]
mod tests;
mod write_set;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use alone::Hit;
use boxed::Boxed;
use table::Table;

use super::Backend;
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::http::ClientIp;

/// The states, and what decides on them.
#[derive(Debug)]
pub(crate) struct Memory {
    table: Table,
    boxed: Boxed,
    closed: AtomicBool,
}

impl Memory {
    /// Lets everything that is decided from now on fail, and removes all states.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.clear();
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Does something to the states, unless they are closed.
    fn open<T>(&self, action: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        if self.is_closed() {
            return Err(Error::closed());
        }
        action()
    }
}

/// Settings of an embedded backend.
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
    /// The defaults: a million keys, as many shards as that number is worth, the system's clock.
    pub const fn builder() -> Self {
        Self {
            capacity: 1_000_000,
            shards: None,
            clock: None,
            client_ip: ClientIp::new(),
        }
    }

    /// How many keys (a client of a throttle is one) are remembered at most, at least 64; default 1 000 000.
    ///
    /// Memory is taken as keys come, 60 to 135 bytes a key. Logs, means and the states of your own strategies are larger;
    /// they are counted by themselves, up to the same number. A set of throttles that needs more keys at once is an error,
    /// [`ErrorKind::Configuration`](crate::error::ErrorKind::Configuration).
    ///
    /// # What new keys displace
    ///
    /// In a full table a new key takes the place of another, which is chosen among a few dozen at random: one that has
    /// expired, else one of a throttle that holds more than its share, else any. Among those it is the one that has used
    /// least of what its strategy admits to a new client at once. A throttle's share is seven eighths of the capacity,
    /// divided by the number of throttles that have keys. Once a throttle holds more, its new keys displace its own, except
    /// that clients at their limit stay while there are others that are not.
    ///
    /// **A flood of new keys does not reset a client that is at its limit**, whatever the strategies and however many keys
    /// come, if
    ///
    /// * the keys are those of other throttles, and each of these holds more than its share, or
    /// * the keys are those of the client's own throttle, and the client had its place before the flood filled the last
    ///   eighth of the capacity, or the flood's clients do not reach their own limits.
    ///
    /// As long as such clients hold at most three quarters of the capacity, fewer than one new key in a million is an
    /// exception. Not promised: clients that come during a flood whose clients, of the same throttle, reach their limit at
    /// once, as with `1/hour`. Of these, those that came last are remembered in about an eighth of the capacity; the others
    /// are forgotten. Where that matters, raise the capacity.
    ///
    /// What a client has used is known to a hundredth; it is judged by the limit at its first hit if that depends on the time
    /// of day. Two throttles count as one for all of this with a probability of 1 in 4 096, for they are told apart by twelve
    /// bits of a hash.
    pub fn capacity(self, keys: usize) -> Self {
        Self {
            capacity: keys,
            ..self
        }
    }

    /// Into how many parts the table is split, rounded up to a power of two; only new keys ever wait for each other.
    pub fn shards(self, shards: usize) -> Self {
        Self {
            shards: Some(shards),
            ..self
        }
    }

    /// The clock that laws are told the time of; default: the system's.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self {
            clock: Some(Arc::new(clock)),
            ..self
        }
    }

    /// Proxies that are trusted, as [`Backend::trusted_proxies`] has it.
    pub fn trusted_proxies(self, ranges: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self {
            client_ip: self.client_ip.trusted(ranges),
            ..self
        }
    }

    /// How the clients' addresses are found, as [`Backend::client_ip`] has it.
    pub fn client_ip(self, client_ip: ClientIp) -> Self {
        Self { client_ip, ..self }
    }

    /// A new, empty backend.
    pub fn build(self) -> Backend {
        if self.clock.is_none() {
            // The clock is set up once for the process, which takes a millisecond or more: not at the first hit.
            SystemClock::new().now_micros();
        }
        let memory = Memory {
            table: Table::new(self.capacity, self.shards),
            boxed: Boxed::new(self.capacity),
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
