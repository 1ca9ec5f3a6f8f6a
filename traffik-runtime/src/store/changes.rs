//! The changes that operators have made to throttles, by which all that stores remember of a
//! throttle in this process ends.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::key::Key;

/// The number of changes.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// The number of the latest change to the throttles of each tag of keys. What was remembered before
/// it is not used.
static LATEST_CHANGES: [AtomicU64; Key::TAGS] = [const { AtomicU64::new(0) }; Key::TAGS];

/// Records that the settings of a throttle have changed. Any key of the throttle names it.
pub(crate) fn record(key: Key) {
    let number = CHANGES.fetch_add(1, Ordering::AcqRel) + 1;
    LATEST_CHANGES[key.tag()].fetch_max(number, Ordering::AcqRel);
}

/// Returns the number of changes so far.
pub(crate) fn count() -> u64 {
    CHANGES.load(Ordering::Acquire)
}

/// Returns the number of the latest change to a key's throttle.
pub(crate) fn latest(key: Key) -> u64 {
    LATEST_CHANGES[key.tag()].load(Ordering::Acquire)
}
