//! The memory backend: states in this process, in a table of seqlock slots with a hard bound.
//!
//! A key is a hash. Its state is two words beside it in a [`seqlock_slot`] of half a cache line
//! ([`slot_words`]), which is found by linear probing ([`probe_table`], [`segment`]) in one shard
//! of the [`sharded_table`]. The rate that a state was written under is a number there
//! ([`rate_terms`]), and the few states that need more room have it beside the slot
//! ([`wide_state`]). States that are no such words, such as logs, are in the [`spill`].
//!
//! | protocol | file |
//! |---|---|
//! | one hit, decided without a lock | [`optimistic`], [`changed_rate`] |
//! | one hit, decided in the spill | [`decide_spilled`], [`decide_list`] |
//! | a set of hits on slots, decided without waiting | [`decide_slots`] |
//! | a set of hits, decided all or nothing | [`locked`] |
//! | 1. lock the spill shards of a set | [`shard_locks`] |
//! | 2. read states without slot locks | [`peek`] |
//! | 3. reserve and lock the slots of a set | [`slot_locks`] |
//! | 4. write the states of an admitted set | [`write_set`] |
//! | spill → slot, slot → spill | [`move_to_slot`], [`move_to_spill`] |
//! | states of changed rates live longer | [`extend`] |
//! | the clock was set back | [`clock_skew`] |
//! | settlements | [`settle`] |
//! | eviction: ranks, hints, the choice | [`eviction`], [`hints`], [`victim`] |
//!
//! The order of the locks is stated in [`shard_locks`].

pub(crate) mod bytes;
pub(crate) mod capacity;
pub(crate) mod changed_rate;
pub(crate) mod clear;
pub(crate) mod clock_skew;
#[cfg(test)]
pub(crate) mod concurrency_fixtures;
pub(crate) mod decide_list;
pub(crate) mod decide_slots;
pub(crate) mod decide_spilled;
#[cfg(all(test, not(traffik_loom)))]
mod decide_tests;
pub(crate) mod eviction;
pub(crate) mod extend;
pub(crate) mod hints;
pub(crate) mod locked;
#[cfg(all(test, traffik_loom))]
pub(crate) mod loom_model;
pub(crate) mod move_to_slot;
pub(crate) mod move_to_spill;
pub(crate) mod optimistic;
pub(crate) mod peek;
pub(crate) mod probe_table;
pub(crate) mod rate_terms;
pub(crate) mod segment;
pub(crate) mod seqlock_slot;
pub(crate) mod settle;
pub(crate) mod shard_locks;
pub(crate) mod sharded_table;
pub(crate) mod slot_locks;
pub(crate) mod slot_permit;
pub(crate) mod slot_words;
pub(crate) mod spill;
pub(crate) mod spin_wait;
pub(crate) mod state_store;
pub(crate) mod sync;
#[cfg(all(test, not(traffik_loom)))]
mod tests;
pub(crate) mod victim;
pub(crate) mod wide_state;
pub(crate) mod write_set;

use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Creates a store without states, for so many keys. `None` shards are as many as suit them.
    pub(crate) fn new(capacity: usize, shards: Option<usize>) -> Self {
        Self {
            table: ShardedTable::new(capacity, shards),
            spill: Spill::new(capacity),
            closed: AtomicBool::new(false),
        }
    }

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
