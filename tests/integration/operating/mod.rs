//! The registry: its entries, changes at run time, and listeners. It belongs to the process, so
//! each test has its own uids.

mod closed;
mod duplicates;
mod events;
mod listed;
mod local;
mod names;
mod overrides;
mod pending;
mod rates;
mod switches;

use traffik::registry;
use traffik::registry::Entry;

/// Returns the entry of a uid, if there is exactly one.
fn entry(uid: &str) -> Option<Entry> {
    let mut entries = registry().list();
    entries.retain(|entry| entry.uid == uid);
    assert!(entries.len() < 2, "{entries:?}");
    entries.pop()
}
