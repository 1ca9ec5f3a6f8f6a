//! The entries of the registered throttles, by uid.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::definition::registry::overridden::RegistryEntry;

/// The entries of the registered throttles, by uid.
pub(crate) struct Entries {
    by_uid: Mutex<BTreeMap<String, Vec<Listed>>>,
}

/// An entry, and the number of throttles that own it.
///
/// Whoever only looks at an entry may hold it for a moment, and a refund until it has been made.
/// Neither keeps its uid from another throttle, so ownership is counted apart from the entry.
struct Listed {
    entry: Arc<RegistryEntry>,
    ownership: Weak<Ownership>,
}

/// The entry of a throttle, listed in the registry until the last throttle that owns it is dropped.
#[derive(Clone)]
pub(crate) struct OwnedEntry {
    entry: Arc<RegistryEntry>,
    _ownership: Arc<Ownership>,
}

/// Removes the entries of a uid that nobody owns when it is dropped.
struct Ownership {
    entries: &'static Entries,
    uid: Box<str>,
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
        by_uid
            .values()
            .flatten()
            .filter_map(Listed::owned)
            .collect()
    }

    /// Returns the entries of a uid.
    #[cfg(feature = "overrides")]
    pub(crate) fn of_uid(&self, uid: &str) -> Vec<Arc<RegistryEntry>> {
        self.of_uid_or_else(uid, || {})
    }

    /// Returns the entries of a uid. If there is none, calls a function within the lock, so that
    /// none is added in between.
    pub(crate) fn of_uid_or_else(
        &self,
        uid: &str,
        if_none: impl FnOnce(),
    ) -> Vec<Arc<RegistryEntry>> {
        let by_uid = self.by_uid.lock();
        let listed = by_uid.get(uid).into_iter().flatten();
        let same: Vec<_> = listed.filter_map(Listed::owned).collect();
        if same.is_empty() {
            if_none();
        }
        same
    }

    /// Adds an entry, and returns it, or returns the equal one that is there. `may_add` is called
    /// within the lock; if it returns `false`, nothing is added, and the result is `None`.
    ///
    /// # Errors
    ///
    /// A message if another throttle has the uid.
    pub(crate) fn add(
        &'static self,
        entry: &Arc<RegistryEntry>,
        may_add: impl FnOnce() -> bool,
    ) -> Result<Option<OwnedEntry>, String> {
        let mut by_uid = self.by_uid.lock();
        let same = by_uid.entry(entry.uid().to_owned()).or_default();
        let registration = &entry.registration;
        for listed in &*same {
            let other = &listed.entry.registration;
            if !listed.is_owned() || !entry.shares_states(&listed.entry) {
                continue;
            }
            if !registration.agrees(other) {
                return Err(registration.conflict(other));
            }
            if let Some(owned) = listed.own() {
                return Ok(Some(owned));
            }
        }
        if !may_add() {
            return Ok(None);
        }
        let ownership = Arc::new(Ownership {
            entries: self,
            uid: entry.uid().into(),
        });
        same.push(Listed {
            entry: entry.clone(),
            ownership: Arc::downgrade(&ownership),
        });
        Ok(Some(OwnedEntry {
            entry: entry.clone(),
            _ownership: ownership,
        }))
    }
}

impl Listed {
    /// Returns `true` if a throttle owns the entry.
    fn is_owned(&self) -> bool {
        self.ownership.strong_count() > 0
    }

    /// Returns the entry if a throttle owns it.
    fn owned(&self) -> Option<Arc<RegistryEntry>> {
        self.is_owned().then(|| self.entry.clone())
    }

    /// Returns the entry for one more owner, unless the last one is gone.
    fn own(&self) -> Option<OwnedEntry> {
        Some(OwnedEntry {
            entry: self.entry.clone(),
            _ownership: self.ownership.upgrade()?,
        })
    }
}

impl OwnedEntry {
    /// Returns the entry without owning it.
    pub(crate) fn shared(&self) -> Arc<RegistryEntry> {
        self.entry.clone()
    }
}

impl Deref for OwnedEntry {
    type Target = RegistryEntry;

    #[inline]
    fn deref(&self) -> &RegistryEntry {
        &self.entry
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        let mut by_uid = self.entries.by_uid.lock();
        let Some(same) = by_uid.get_mut(&*self.uid) else {
            return;
        };
        let dropped: Vec<_> = same.extract_if(.., |listed| !listed.is_owned()).collect();
        if same.is_empty() {
            by_uid.remove(&*self.uid);
        }
        // Their strategies and backends are those of users, and are dropped after the lock.
        drop(by_uid);
        drop(dropped);
    }
}
