//! Changes that wait for a throttle to be registered, and rates that a throttle cannot have.

use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use crate::definition::registry::lease_text;
use crate::definition::registry::overrides::Override;
use crate::rate::Rate;
use crate::suggest::nearest;

/// A change that has no effect so far; [`Registry::pending`] returns it.
///
/// [`Registry::pending`]: crate::definition::registry::Registry::pending
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pending {
    /// The uid that the change names.
    pub uid: String,
    /// The new rates; empty if the change leaves them as they are.
    pub rates: Vec<Rate>,
    /// The new position of the throttle's switch; `None` if the change leaves it as it is.
    pub enabled: Option<bool>,
    /// The new life of leases; `None` if the change leaves it as it is.
    #[serde(serialize_with = "lease_text::serialize")]
    pub lease: Option<Duration>,
    /// The registered uid that was most likely meant, if no throttle of this uid is registered.
    pub suggestion: Option<String>,
    /// The reason why a registered throttle cannot have the rates.
    pub refused: Option<String>,
}

/// Changes by calls of the registry for throttles that are not registered yet, by uid.
pub(crate) struct PendingChanges {
    /// Locked by itself, or after the registry's entries.
    by_uid: Mutex<BTreeMap<String, PendingChange>>,
}

/// A change for one uid. The last call wins, part by part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PendingChange {
    pub(crate) change: Override,
    /// Set if `enable` cancelled a `disable`. The throttle then starts enabled, whatever an
    /// overrides file contains, but the change is not listed.
    is_cancelled: bool,
}

impl PendingChange {
    /// Sets the switch.
    pub(crate) fn switch(&mut self, enabled: bool) {
        let was_disabled = self.change.enabled == Some(false);
        self.is_cancelled = enabled && (self.is_cancelled || was_disabled);
        self.change.enabled = Some(enabled);
    }

    fn is_listed(&self) -> bool {
        let Override {
            rates,
            enabled,
            lease,
        } = &self.change;
        rates.is_some() || lease.is_some() || (enabled.is_some() && !self.is_cancelled)
    }
}

impl PendingChanges {
    pub(crate) const fn new() -> Self {
        Self {
            by_uid: Mutex::new(BTreeMap::new()),
        }
    }

    /// Returns the change that waits for a uid.
    pub(crate) fn get(&self, uid: &str) -> Option<PendingChange> {
        self.by_uid.lock().get(uid).cloned()
    }

    /// Updates the change that waits for a uid, and removes it if it then is the default.
    pub(crate) fn update(&self, uid: &str, update: impl FnOnce(&mut PendingChange)) {
        let mut by_uid = self.by_uid.lock();
        let mut change = by_uid.remove(uid).unwrap_or_default();
        update(&mut change);
        if change != PendingChange::default() {
            by_uid.insert(uid.to_owned(), change);
        }
    }

    /// Removes the change that waits for a uid if it is the expected one, and returns `false` if it
    /// is another.
    pub(crate) fn remove(&self, uid: &str, expected: Option<&PendingChange>) -> bool {
        let mut by_uid = self.by_uid.lock();
        let is_same = by_uid.get(uid) == expected;
        if is_same {
            by_uid.remove(uid);
        }
        is_same
    }

    /// Returns the changes to list: those by calls, completed by those of an overrides file.
    fn listed(&self, in_file: BTreeMap<String, Override>) -> BTreeMap<String, Override> {
        let mut all = self.by_uid.lock().clone();
        for (uid, in_file) in in_file {
            let pending = all.entry(uid).or_default();
            let change = &mut pending.change;
            change.rates = change.rates.take().or(in_file.rates);
            change.enabled = change.enabled.or(in_file.enabled);
            change.lease = change.lease.or(in_file.lease);
            pending.is_cancelled = false;
        }
        all.retain(|_, pending| pending.is_listed());
        let changes = all.into_iter();
        changes
            .map(|(uid, pending)| (uid, pending.change))
            .collect()
    }

    /// Returns the changes that have no effect so far, in the order of their uids: `refused` by
    /// registered throttles, or for throttles that are not among the `registered` ones.
    pub(crate) fn list(
        &self,
        in_file: BTreeMap<String, Override>,
        refused: Vec<Pending>,
        registered: &BTreeSet<&str>,
    ) -> Vec<Pending> {
        let mut all = BTreeMap::new();
        for refused in refused {
            all.entry(refused.uid.clone()).or_insert(refused);
        }
        for (uid, change) in self.listed(in_file) {
            if let (Place::Vacant(place), false) =
                (all.entry(uid.clone()), registered.contains(&*uid))
            {
                let suggestion = nearest(&uid, registered.iter().copied());
                place.insert(Pending {
                    suggestion: suggestion.map(str::to_owned),
                    uid,
                    rates: change.rates.unwrap_or_default(),
                    enabled: change.enabled,
                    lease: change.lease,
                    refused: None,
                });
            }
        }
        all.into_values().collect()
    }
}
