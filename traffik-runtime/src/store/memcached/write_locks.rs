//! Locks by which the writers of one process wait for each other.
//!
//! Correctness does not depend on them, because a compare-and-swap notices every other write. But
//! of many writers that read at once only one can write, and most of the others are in its process.

use std::hash::{BuildHasher as _, RandomState};

use tokio::sync::Mutex;

/// The number of locks. Writers of names with a common lock wait without need.
const LOCKS: usize = 256;

/// A fixed number of locks, one of which each name has.
#[derive(Debug)]
pub(crate) struct WriteLocks {
    locks: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for WriteLocks {
    fn default() -> Self {
        Self {
            locks: (0..LOCKS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl WriteLocks {
    /// Returns the lock of a name.
    pub(crate) fn of(&self, name: &str) -> &Mutex<()> {
        let hash = self.hasher.hash_one(name);
        &self.locks[hash as usize % self.locks.len()]
    }
}
