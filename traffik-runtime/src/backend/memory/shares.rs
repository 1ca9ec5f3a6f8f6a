//! How many keys each throttle has brought in, and which key has to go when a new one finds no room.
//!
//! A throttle that holds more keys than its share gives up keys of its own first, so that a flood of one throttle's clients
//! does not reset the clients of another. Within a throttle, the client that has used least of its limit goes first. A
//! client that is at its limit goes only if it came late: into an almost full store, of a throttle over its share. Without
//! that exception a flood of clients that reach their limit at once could only displace those that were limited before it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::backend::key::Key;
use crate::strategy::kernel::FULL;

/// How many candidates are compared when a key has to go.
pub(super) const CANDIDATES: usize = 32;

/// How many are compared while all of them are clients at their limit that are not to be forgotten.
pub(super) const MOST_CANDIDATES: usize = 4 * CANDIDATES;

/// One key in so many is in no throttle's share: the room of those that come late.
const LATE: usize = 8;

/// The number of keys of each throttle, by its tag.
#[derive(Debug)]
pub(super) struct Shares {
    keys: Box<[AtomicUsize]>,
    /// The number of all keys.
    total: AtomicUsize,
    /// The number of throttles that have keys.
    throttles: AtomicUsize,
}

/// A key that is about to be inserted, seen as one that takes another's room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newcomer<'a> {
    shares: &'a Shares,
    tag: usize,
    /// The keys that each throttle may hold.
    share: usize,
    /// Whether the newcomer's own throttle holds more than its share.
    is_over: bool,
}

/// How much a key would be missed. The candidate with the lowest rank is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// The state decides like none.
    Expired,
    /// The key makes room for a key like the newcomer's.
    Yields { fullness: u64 },
    /// The key goes only if no candidate yields; at equal fullness, one that came late, or of a throttle over its share, goes
    /// first.
    Stays {
        fullness: u64,
        is_settled: bool,
        is_within: bool,
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
    /// Counts a key that is inserted; returns how many there were before.
    pub(super) fn add(&self, key: Key) -> usize {
        if self.keys[key.tag()].fetch_add(1, Ordering::Relaxed) == 0 {
            self.throttles.fetch_add(1, Ordering::Relaxed);
        }
        self.total.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a key that was removed.
    pub(super) fn remove(&self, key: Key) {
        if self.keys[key.tag()].fetch_sub(1, Ordering::Relaxed) == 1 {
            self.throttles.fetch_sub(1, Ordering::Relaxed);
        }
        self.total.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns the number of all keys.
    #[cfg(test)]
    pub(super) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    /// A key that is about to be inserted.
    pub(super) fn newcomer(&self, key: Key) -> Newcomer<'_> {
        let total = self.total.load(Ordering::Relaxed);
        let throttles = self.throttles.load(Ordering::Relaxed).max(1);
        let (tag, share) = (key.tag(), (total - total / LATE) / throttles);
        Newcomer {
            shares: self,
            tag,
            share,
            is_over: self.held(tag) > share,
        }
    }

    fn held(&self, tag: usize) -> usize {
        self.keys[tag].load(Ordering::Relaxed)
    }
}

impl Newcomer<'_> {
    /// Whether the key comes late into a store that holds this many keys of at most so many.
    pub(super) const fn is_late(&self, held: usize, capacity: usize) -> bool {
        self.is_over && held >= capacity - capacity.div_ceil(LATE)
    }

    /// The rank of another key whose state has not expired.
    pub(super) fn rank(&self, key: Key, fullness: u64, is_late: bool) -> Rank {
        let is_over = if self.is_over {
            key.tag() == self.tag
        } else {
            self.shares.held(key.tag()) > self.share
        };
        if is_over && fullness < FULL {
            Rank::Yields { fullness }
        } else {
            Rank::Stays {
                fullness,
                is_settled: !(is_over && is_late),
                is_within: !is_over,
            }
        }
    }
}

impl Rank {
    /// How many candidates are enough if this is the lowest rank among them.
    pub(super) const fn enough(self) -> usize {
        match self {
            Self::Expired => 0,
            Self::Stays {
                fullness,
                is_settled: true,
                ..
            } if fullness >= FULL => MOST_CANDIDATES,
            Self::Yields { .. } | Self::Stays { .. } => CANDIDATES,
        }
    }
}

#[cfg(test)]
#[path = "shares_tests.rs"]
mod tests;
