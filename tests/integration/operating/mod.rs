//! The registry: what is listed, what is changed while the process runs, and who is told of it. It
//! is the process's, so each test has uids of its own.

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

/// The entry of a uid, if there is just one.
fn entry(uid: &str) -> Option<Entry> {
    let mut entries = registry().list();
    entries.retain(|entry| entry.uid == uid);
    assert!(entries.len() < 2, "{entries:?}");
    entries.pop()
}
