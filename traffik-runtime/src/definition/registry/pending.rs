//! Changes that wait for a throttle to be registered, and rates that a throttle cannot have.

use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;
use serde::Serialize;

use crate::definition::registry::Registry;
use crate::rate::Rate;
use crate::suggest::nearest;

/// A change that has no effect so far; [`Registry::pending`] returns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pending {
    /// The uid that the change names.
    pub uid: String,
    /// The new rates; empty if the change leaves them as they are.
    pub rates: Vec<Rate>,
    /// The new position of the throttle's switch; `None` if the change leaves it as it is.
    pub enabled: Option<bool>,
    /// The registered uid that was most likely meant, if no throttle of this uid is registered.
    pub suggestion: Option<String>,
    /// The reason why a registered throttle cannot have the rates.
    pub refused: Option<String>,
}

/// Changes made through the registry for throttles that are not registered yet, by uid.
pub(crate) struct PendingChanges {
    /// Locked by itself, or after the registry's own map.
    by_uid: Mutex<BTreeMap<String, PendingChange>>,
}

/// A change for one uid. The last call wins, part by part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PendingChange {
    pub(crate) rates: Option<Vec<Rate>>,
    pub(crate) enabled: Option<bool>,
    /// Set if `enable` took back a `disable`. The throttle then starts enabled, whatever an overrides file says of it, but
    /// there is nothing to tell the operator.
    took_back: bool,
}

impl PendingChange {
    pub(crate) fn switch(&mut self, enabled: bool) {
        self.took_back = enabled && (self.took_back || self.enabled == Some(false));
        self.enabled = Some(enabled);
    }

    fn is_listed(&self) -> bool {
        self.rates.is_some() || (self.enabled.is_some() && !self.took_back)
    }
}

impl PendingChanges {
    pub(crate) const fn new() -> Self {
        Self {
            by_uid: Mutex::new(BTreeMap::new()),
        }
    }

    pub(crate) fn get(&self, uid: &str) -> Option<PendingChange> {
        self.by_uid.lock().get(uid).cloned()
    }

    /// Changes what waits for a uid; nothing waits any more if the change is the default one.
    pub(crate) fn update(&self, uid: &str, update: impl FnOnce(&mut PendingChange)) {
        let mut by_uid = self.by_uid.lock();
        let mut change = by_uid.remove(uid).unwrap_or_default();
        update(&mut change);
        if change != PendingChange::default() {
            by_uid.insert(uid.to_owned(), change);
        }
    }

    /// Removes the change that waits for a uid if it still is the expected one; returns `false` if it is another.
    pub(crate) fn take(&self, uid: &str, expected: Option<&PendingChange>) -> bool {
        let mut by_uid = self.by_uid.lock();
        let is_same = by_uid.get(uid) == expected;
        if is_same {
            by_uid.remove(uid);
        }
        is_same
    }
}

impl Registry {
    /// Lists the changes that have no effect so far, in the order of their uids: those for throttles that are not registered
    /// yet, and rates that a throttle cannot have. They come from calls such as [`set_rate`](Self::set_rate) and, with the
    /// feature `overrides`, from the file that was loaded last.
    ///
    /// ```
    /// use traffik::registry::Applied;
    /// use traffik::{DynThrottle, Rate, registry};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let uploads = DynThrottle::builder("uploads").rate("20/minute".parse()?).build()?;
    /// assert_eq!(registry().set_rate("upload", Rate::per_minute(5))?, Applied::Pending);
    /// assert_eq!(registry().pending()[0].suggestion.as_deref(), Some("uploads"));
    ///
    /// registry().reset("upload")?;
    /// assert_eq!(registry().pending(), []);
    /// # Ok(())
    /// # }
    /// ```
    pub fn pending(&self) -> Vec<Pending> {
        let live = self.live();
        let registered: BTreeSet<&str> = live.iter().map(|live| &*live.record.uid).collect();
        let mut pending = BTreeMap::new();
        for refused in live.iter().filter_map(|live| live.refused()) {
            pending.entry(refused.uid.clone()).or_insert(refused);
        }
        for (uid, change) in self.all_pending() {
            if let (Place::Vacant(place), false) =
                (pending.entry(uid.clone()), registered.contains(&*uid))
            {
                let suggestion = nearest(&uid, registered.iter().copied());
                place.insert(Pending {
                    suggestion: suggestion.map(str::to_owned),
                    uid,
                    rates: change.rates.unwrap_or_default(),
                    enabled: change.enabled,
                    refused: None,
                });
            }
        }
        pending.into_values().collect()
    }

    /// Returns the changes to list: those made by hand, completed by those of the overrides file.
    fn all_pending(&self) -> BTreeMap<String, PendingChange> {
        let mut all = self.pending_changes.by_uid.lock().clone();
        #[cfg(feature = "overrides")]
        for (uid, said) in self.overrides.by_uid() {
            let change = all.entry(uid).or_default();
            change.rates = change.rates.take().or(said.rates);
            change.enabled = change.enabled.or(said.enabled);
            change.took_back = false;
        }
        all.retain(|_, change| change.is_listed());
        all
    }
}
