//! The order in which keys are evicted: each throttle's share of the keys, and the rank of a key.
//!
//! A throttle that has more keys than its share evicts its own keys first, so that a flood of one
//! throttle's clients does not reset the clients of another. Within a throttle, the client that has
//! used least of its limit is evicted first. A client at its limit is evicted only if it came late,
//! which means into an almost full store, of a throttle over its share. Without that exception, a
//! flood of clients that reach their limit at once could only evict those that were limited before
//! it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::store::key::Key;
use crate::strategy::kernel::packed::FULL;

/// The number of candidates for an eviction.
pub(crate) const CANDIDATES: usize = 32;

/// The number of candidates while all of them are clients at their limit that should stay.
pub(crate) const MAX_CANDIDATES: usize = 4 * CANDIDATES;

/// The part of the capacity that is in no throttle's share, but left for keys that come late: one
/// in this many.
const LATE_PART: usize = 8;

/// The number of keys of each throttle, by its tag.
#[derive(Debug)]
pub(crate) struct Shares {
    keys: Box<[AtomicUsize]>,
    /// The number of all keys.
    total: AtomicUsize,
    /// The number of throttles that have keys.
    throttles: AtomicUsize,
}

/// A key that is about to be inserted and may evict another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Newcomer<'a> {
    shares: &'a Shares,
    tag: usize,
    /// The number of keys in each throttle's share.
    share: usize,
    /// `true` if the key's own throttle has more keys than its share.
    is_over_share: bool,
}

/// The rank of a candidate for eviction; the lowest is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// The state has expired, so nothing is lost with it.
    Expired,
    /// The key makes room for the newcomer.
    Yields { fullness: u64 },
    /// The key is evicted only if no candidate yields; at equal fullness, one that came late, or of
    /// a throttle over its share, goes first.
    Stays {
        fullness: u64,
        came_in_time: bool,
        is_within_share: bool,
    },
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            keys: (0..Key::TAGS).map(|_| AtomicUsize::new(0)).collect(),
            total: AtomicUsize::new(0),
            throttles: AtomicUsize::new(0),
        }
    }
}

impl Shares {
    /// Counts a key that is inserted, and returns the number of keys before.
    pub(crate) fn add(&self, key: Key) -> usize {
        if self.keys[key.tag()].fetch_add(1, Ordering::Relaxed) == 0 {
            self.throttles.fetch_add(1, Ordering::Relaxed);
        }
        self.total.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a key that was removed.
    pub(crate) fn remove(&self, key: Key) {
        if self.keys[key.tag()].fetch_sub(1, Ordering::Relaxed) == 1 {
            self.throttles.fetch_sub(1, Ordering::Relaxed);
        }
        self.total.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns the number of all keys.
    #[cfg(test)]
    pub(crate) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    /// Returns a key that is about to be inserted.
    pub(crate) fn newcomer(&self, key: Key) -> Newcomer<'_> {
        let total = self.total.load(Ordering::Relaxed);
        let throttles = self.throttles.load(Ordering::Relaxed).max(1);
        let (tag, share) = (key.tag(), (total - total / LATE_PART) / throttles);
        Newcomer {
            shares: self,
            tag,
            share,
            is_over_share: self.keys_of(tag) > share,
        }
    }

    fn keys_of(&self, tag: usize) -> usize {
        self.keys[tag].load(Ordering::Relaxed)
    }
}

impl Newcomer<'_> {
    /// Returns `true` if the key comes late into a store with this many keys.
    pub(crate) const fn is_late(&self, keys: usize, capacity: usize) -> bool {
        self.is_over_share && keys >= capacity - capacity.div_ceil(LATE_PART)
    }

    /// Returns the rank of another key, whose state has not expired.
    pub(crate) fn rank(&self, key: Key, fullness: u64, is_late: bool) -> Rank {
        let is_over_share = if self.is_over_share {
            key.tag() == self.tag
        } else {
            self.shares.keys_of(key.tag()) > self.share
        };
        if is_over_share && fullness < FULL {
            Rank::Yields { fullness }
        } else {
            Rank::Stays {
                fullness,
                came_in_time: !(is_over_share && is_late),
                is_within_share: !is_over_share,
            }
        }
    }
}

impl Rank {
    /// Returns the number of candidates to compare if this is the lowest rank so far.
    pub(crate) const fn required_candidates(self) -> usize {
        match self {
            Self::Expired => 0,
            Self::Stays {
                fullness,
                came_in_time: true,
                ..
            } if fullness >= FULL => MAX_CANDIDATES,
            Self::Yields { .. } | Self::Stays { .. } => CANDIDATES,
        }
    }
}

#[cfg(test)]
#[path = "eviction_tests.rs"]
mod tests;
