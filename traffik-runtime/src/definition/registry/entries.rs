//! The entries of the registered throttles, by uid.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::definition::registry::overridden::RegistryEntry;

/// The entries of the registered throttles, by uid.
///
/// An entry is dropped with its last throttle, and then locks the map to be removed from it. So
/// methods drop the entries that they have looked at after the lock.
pub(crate) struct Entries {
    by_uid: Mutex<BTreeMap<String, Vec<Weak<RegistryEntry>>>>,
}

impl Entries {
    pub(crate) const fn new() -> Self {
        Self {
            by_uid: Mutex::new(BTreeMap::new()),
        }
    }

    /// Returns all entries, in the order of their uids.
    pub(crate) fn all(&self) -> Vec<Arc<RegistryEntry>> {
        let by_uid = self.by_uid.lock();
        by_uid.values().flat_map(|same| upgrade(same)).collect()
    }

    /// Returns the entries of a uid.
    #[cfg(feature = "overrides")]
    pub(crate) fn of_uid(&self, uid: &str) -> Vec<Arc<RegistryEntry>> {
        let by_uid = self.by_uid.lock();
        by_uid.get(uid).map_or_else(Vec::new, |same| upgrade(same))
    }

    /// Returns the entries of a uid. If there is none, calls a function within the lock, so that
    /// none is added in between.
    pub(crate) fn of_uid_or_else(
        &self,
        uid: &str,
        if_none: impl FnOnce(),
    ) -> Vec<Arc<RegistryEntry>> {
        let by_uid = self.by_uid.lock();
        let same = by_uid.get(uid).map_or_else(Vec::new, |same| upgrade(same));
        if same.is_empty() {
            if_none();
        }
        drop(by_uid);
        same
    }

    /// Adds an entry, and returns it, or returns the equal one that is there. `may_add` is called
    /// within the lock; if it returns `false`, nothing is added, and the result is `None`.
    ///
    /// # Errors
    ///
    /// A message if another throttle has the uid.
    pub(crate) fn add(
        &self,
        entry: &Arc<RegistryEntry>,
        may_add: impl FnOnce() -> bool,
    ) -> Result<Option<Arc<RegistryEntry>>, String> {
        let others;
        let mut by_uid = self.by_uid.lock();
        let same = by_uid.entry(entry.uid().to_owned()).or_default();
        others = upgrade(same);
        let other = others.iter().find(|other| entry.shares_states(other));
        let registration = &entry.registration;
        match other {
            None if !may_add() => Ok(None),
            None => {
                same.push(Arc::downgrade(entry));
                Ok(Some(entry.clone()))
            }
            Some(other) if registration.agrees(&other.registration) => Ok(Some(other.clone())),
            Some(other) => Err(registration.conflict(&other.registration)),
        }
    }

    /// Removes the entries of a uid that are dropped.
    pub(crate) fn remove_dropped(&self, uid: &str) {
        let mut by_uid = self.by_uid.lock();
        let Some(same) = by_uid.get_mut(uid) else {
            return;
        };
        same.retain(|entry| entry.strong_count() > 0);
        if same.is_empty() {
            by_uid.remove(uid);
        }
    }
}

fn upgrade(entries: &[Weak<RegistryEntry>]) -> Vec<Arc<RegistryEntry>> {
    entries.iter().filter_map(Weak::upgrade).collect()
}
