//! The client of the servers: their connections, the generations of the namespace, and write locks.

use std::fmt;

use crate::store::memcached::error::Failed;
use crate::store::memcached::generations::Generations;
use crate::store::memcached::pool::{PoolSettings, Pools};
use crate::store::memcached::write_locks::WriteLocks;

/// Memcached, on one server or several.
pub(crate) struct Memcached {
    /// The pools, or the reason for which the backend can never work.
    pools: Result<Pools, String>,
    /// `None` if the namespace cannot be cleared.
    pub(crate) generations: Option<Generations>,
    pub(crate) write_locks: WriteLocks,
}

impl Memcached {
    pub(crate) fn new(
        settings: Result<PoolSettings, String>,
        generations: Option<Generations>,
    ) -> Self {
        Self {
            pools: settings.map(Pools::new),
            generations,
            write_locks: WriteLocks::default(),
        }
    }

    /// Returns the pools of connections.
    pub(crate) fn pools(&self) -> Result<&Pools, Failed> {
        let pools = self.pools.as_ref();
        pools.map_err(|message| Failed::Misconfigured(message.clone()))
    }
}

impl fmt::Debug for Memcached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memcached").finish_non_exhaustive()
    }
}
