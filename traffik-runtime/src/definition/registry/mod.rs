//! The registered throttles, by uid, and the overrides of their definitions.
//!
//! [`registry`] returns the [`Registry`] of the process. Its changes take effect on the next hit,
//! everywhere in the process. They leave states as they are: nothing is refunded or charged again.

pub(crate) mod applied;
pub(crate) mod entries;
pub(crate) mod entry;
pub(crate) mod event;
pub(crate) mod lease_text;
pub(crate) mod overridden;
pub(crate) mod overrides;
#[cfg(feature = "overrides")]
pub(crate) mod overrides_file;
pub(crate) mod pending;
pub(crate) mod rates;
pub(crate) mod registration;
pub(crate) mod resolved_client;

pub use applied::Applied;
pub use entry::Entry;
pub use event::{Event, Listener};
pub use pending::Pending;
pub use rates::Rates;
pub use resolved_client::ResolvedClient;

pub use crate::observe::Outcome;

#[cfg(not(feature = "overrides"))]
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
#[cfg(feature = "overrides")]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::definition::limits;
use crate::definition::registry::entries::{Entries, OwnedEntry};
use crate::definition::registry::overridden::RegistryEntry;
use crate::definition::registry::overrides::{OverrideLayer, check_not_empty};
#[cfg(feature = "overrides")]
use crate::definition::registry::overrides_file::OverridesFile;
use crate::definition::registry::pending::{PendingChange, PendingChanges};
use crate::definition::registry::registration::Registration;
use crate::error::Error;

static REGISTRY: Registry = Registry {
    entries: Entries::new(),
    pending_changes: PendingChanges::new(),
    #[cfg(feature = "overrides")]
    overrides_file: OverridesFile::new(),
};

/// The registered throttles of this process, and the changes that wait for one to be registered.
///
/// ```
/// use traffik::{Backend, DynThrottle, Identity, Rate, registry};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mails = DynThrottle::builder("mails").rate("2/hour".parse()?);
/// let mails = mails.backend(Backend::memory()).build()?;
/// let user = Identity::new("user:7");
/// assert!(mails.hit(&user, 2).await?.admitted);
///
/// registry().set_rate("mails", Rate::per_hour(3))?;
/// let decision = mails.hit(&user, 1).await?;
/// assert!(decision.admitted, "the two before count, the new limit is three");
///
/// registry().disable("mails")?;
/// assert_eq!(mails.hit(&user, 1).await?.remaining, u64::MAX);
/// let entries = registry().list();
/// let mails = entries.iter().find(|entry| entry.uid == "mails").expect("it was used");
/// assert_eq!((mails.enabled, mails.rates[0].limit()), (false, 3));
/// # Ok(())
/// # }
/// ```
pub fn registry() -> &'static Registry {
    &REGISTRY
}

/// The registered throttles of this process; [`registry`] returns it.
///
/// A throttle of a macro is registered when a [`ThrottleLayer`](crate::http::layer::ThrottleLayer)
/// is built with it, or else on its first decision, and stays. A
/// [`DynThrottle`](crate::throttle::dynamic::DynThrottle) is registered from when it is built until
/// its last clone is dropped. A change to a throttle that is not registered yet waits for it, and
/// takes effect before its first decision: [`Applied::Pending`].
///
/// Throttles of one uid and one definition are one entry, and a change by uid applies to all of
/// them. Throttles of one uid and different definitions are an error, unless they were built with
/// different backends of their own.
pub struct Registry {
    entries: Entries,
    pending_changes: PendingChanges,
    #[cfg(feature = "overrides")]
    overrides_file: OverridesFile,
}

impl Registry {
    /// Lists the registered throttles, in the order of their uids.
    pub fn list(&self) -> Vec<Entry> {
        let entries = self.entries.all();
        let mut entries: Vec<_> = entries.iter().map(|entry| entry.entry()).collect();
        // The same throttle may have been built on several backends.
        entries.dedup();
        entries
    }

    /// Sets the rate of a throttle, or a list of rates that are decided together. They replace all
    /// its rates, also the one that a function returns, until they are set again or
    /// [`reset`](Self::reset). They apply to the throttles that are registered: one of this uid
    /// that is built later, on another backend of its own, starts with its definition.
    ///
    /// If no throttle of this uid is registered, the rates wait for the first one, and
    /// [`pending`](Self::pending) lists them until then. Of several calls for one uid, the last
    /// wins.
    ///
    /// ```
    /// # use traffik::{Backend, DynThrottle, Rate, registry, registry::Applied};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let posts = DynThrottle::builder("posts").rate("2/hour".parse()?).build()?;
    /// registry().set_rate("posts", "20/minute".parse::<Rate>()?)?;
    /// let applied = registry().set_rate("posts", [Rate::per_second(5), Rate::per_hour(100)])?;
    /// assert_eq!(applied, Applied::Now);
    ///
    /// let applied = registry().set_rate("later", Rate::per_hour(1))?;
    /// assert_eq!(applied, Applied::Pending);
    /// assert_eq!(registry().pending()[0].uid, "later");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if there are no rates, if the strategy of a registered throttle
    /// cannot have one, or if the uid has more than 255 bytes. Then nothing has changed. If the
    /// strategy of a throttle that is registered later cannot have a rate that waits, the throttle
    /// keeps its own rates; this is logged at `error`, and [`pending`](Self::pending) returns the
    /// reason.
    pub fn set_rate(&self, uid: &str, rates: impl Into<Rates>) -> Result<Applied, Error> {
        let rates = rates.into().0;
        check_not_empty(uid, &rates)?;
        let wait = |pending: &mut PendingChange| pending.change.rates = Some(rates.clone());
        let entries = self.find_or_wait(uid, wait)?;
        if entries.is_empty() {
            return Ok(Applied::Pending);
        }
        let compiled = entries.iter().map(|entry| entry.compile(&rates));
        let compiled: Vec<_> = compiled.collect::<Result<_, _>>()?;
        for (entry, rates) in entries.iter().zip(compiled) {
            entry.override_by_call(|layer| layer.set_rates(rates));
        }
        Ok(Applied::Now)
    }

    /// Disables a throttle: it admits every request, counts none and sends no header fields, until
    /// it is [enabled](Self::enable) again. If no throttle of this uid is registered, the change
    /// waits for the first one.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the uid has more than 255 bytes.
    pub fn disable(&self, uid: &str) -> Result<Applied, Error> {
        self.switch(uid, false)
    }

    /// Enables a throttle again. Cancels a [`disable`](Self::disable) that waits for a throttle.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the uid has more than 255 bytes.
    pub fn enable(&self, uid: &str) -> Result<Applied, Error> {
        self.switch(uid, true)
    }

    /// Sets the life of the leases of a throttle in place of that of its definition and of its
    /// backend; [`Duration::ZERO`] switches them off. See
    /// [`Backend::lease`](crate::backend::Backend::lease). Leases from before end at once. If no
    /// throttle of this uid is registered, the change waits for the first one.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use traffik::{DynThrottle, registry};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let search = DynThrottle::builder("search").rate("2/hour".parse()?).build()?;
    /// registry().set_lease("search", Duration::from_millis(200))?;
    /// registry().set_lease("search", Duration::ZERO)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the quota of a registered throttle's strategy cannot be leased,
    /// or if the uid has more than 255 bytes. Then nothing has changed. A throttle of such a
    /// strategy that is registered later has no leases.
    pub fn set_lease(&self, uid: &str, life: Duration) -> Result<Applied, Error> {
        let wait = |pending: &mut PendingChange| pending.change.lease = Some(life);
        let entries = self.find_or_wait(uid, wait)?;
        for entry in &entries {
            entry.check_lease(Some(life))?;
        }
        for entry in &entries {
            entry.override_by_call(|layer| layer.lease = Some(life));
        }
        Ok(Applied::of(&entries))
    }

    /// Removes the changes to a throttle by [`set_rate`](Self::set_rate),
    /// [`set_lease`](Self::set_lease), [`disable`](Self::disable) and [`enable`](Self::enable),
    /// also those that wait for it: an overrides file applies again, or else the definition.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the uid has more than 255 bytes.
    pub fn reset(&self, uid: &str) -> Result<Applied, Error> {
        let wait = |change: &mut PendingChange| *change = PendingChange::default();
        self.change(uid, wait, |layer| *layer = OverrideLayer::default())
    }

    /// Lists the changes that have no effect so far, in the order of their uids: those for
    /// throttles that are not registered yet, and rates that a throttle cannot have. They come from
    /// calls such as [`set_rate`](Self::set_rate) and, with the feature `overrides`, from the file
    /// that was loaded last.
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
        #[cfg(feature = "overrides")]
        let in_file = self.overrides_file.by_uid();
        #[cfg(not(feature = "overrides"))]
        let in_file = BTreeMap::new();
        let entries = self.entries.all();
        let registered: BTreeSet<&str> = entries.iter().map(|entry| entry.uid()).collect();
        let refused = entries.iter().filter_map(|entry| entry.refused()).collect();
        self.pending_changes.list(in_file, refused, &registered)
    }

    /// Loads rates, switches and leases from a file, TOML or JSON by its extension:
    ///
    /// ```toml
    /// [uploads]
    /// rate = ["10/second", "1000/hour"]
    ///
    /// ["shop::orders::create"]
    /// rate = "10/minute"
    /// lease = "200ms"
    ///
    /// [mails]
    /// enabled = false
    /// ```
    ///
    /// ```json
    /// { "uploads": { "rate": ["10/second", "1000/hour"] }, "mails": { "enabled": false } }
    /// ```
    ///
    /// A file without a throttle is an error, because it would remove every override. A file that
    /// is to do so contains `overrides = "none"`, and nothing else (in JSON
    /// `{ "overrides": "none" }`).
    ///
    /// The file takes effect on the next hit, and replaces the one that was loaded before: a
    /// throttle that it no longer names returns to its definition. [`set_rate`](Self::set_rate),
    /// [`set_lease`](Self::set_lease), [`disable`](Self::disable) and [`enable`](Self::enable) take
    /// precedence over the file, until [`reset`](Self::reset).
    ///
    /// A process that has just started has registered no throttles, so an unknown uid is not an
    /// error: its override waits for a throttle of that uid. [`pending`](Self::pending) lists those
    /// that wait, such as misspelt ones.
    ///
    /// # Errors
    ///
    /// [`Error::Overrides`], with every problem, if the file cannot be read, is not TOML or JSON,
    /// contains no throttle, an unknown key or a malformed rate, or a rate that the strategy of a
    /// registered throttle cannot have. Then nothing has changed.
    #[cfg(feature = "overrides")]
    pub fn load_overrides(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.overrides_file.load(path.as_ref(), &self.entries)
    }

    /// Calls a function with each decision on a throttle, from now on until the [`Listener`] is
    /// stopped. The function runs in the task of the decision, before the response, so it should be
    /// quick, and hand slow work to another task. If it panics, the request panics.
    ///
    /// If a set refuses a hit, the function is called for the members that refused it. It is not
    /// called for exempt clients and for unlimited or disabled throttles.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use traffik::{registry, registry::Outcome};
    ///
    /// let refused = Arc::new(AtomicU64::new(0));
    /// let count = refused.clone();
    /// let listener = registry().subscribe(move |event| {
    ///     if event.outcome == Outcome::Refused {
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// });
    /// // … and to end it:
    /// listener.stop();
    /// ```
    pub fn subscribe(&self, listen: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Listener {
        event::listen(Arc::new(listen))
    }

    /// Registers a throttle, and returns the entry that throttles of its uid share.
    ///
    /// # Errors
    ///
    /// A message if another throttle has its uid.
    pub(crate) fn enter(
        &'static self,
        registration: Registration,
        backend: Option<Backend>,
    ) -> Result<OwnedEntry, String> {
        let entry = Arc::new(RegistryEntry::new(registration, backend));
        #[cfg(feature = "overrides")]
        let file = self.overrides_file.apply(&entry);
        // Rates are compiled outside of the lock, since that calls the strategies of users.
        let entry = loop {
            let uid = entry.uid();
            let pending = self.pending_changes.get(uid);
            let pending = pending.as_ref();
            entry.override_by_pending(pending.map(|pending| &pending.change));
            let may_add = || self.pending_changes.remove(uid, pending);
            if let Some(entry) = self.entries.add(&entry, may_add)? {
                break entry;
            }
        };
        #[cfg(feature = "overrides")]
        if self.overrides_file.is_newer_than(file) {
            self.overrides_file.apply(&entry);
        }
        Ok(entry)
    }

    /// Returns the entries of a uid. If there is none, changes what waits for the first one.
    fn find_or_wait(
        &self,
        uid: &str,
        wait: impl FnOnce(&mut PendingChange),
    ) -> Result<Vec<Arc<RegistryEntry>>, Error> {
        limits::check_length("uid", uid).map_err(|message| Error::configuration(uid, message))?;
        let wait = || self.pending_changes.update(uid, wait);
        Ok(self.entries.of_uid_or_else(uid, wait))
    }

    fn switch(&self, uid: &str, enabled: bool) -> Result<Applied, Error> {
        let wait = |change: &mut PendingChange| change.switch(enabled);
        self.change(uid, wait, |layer| layer.enabled = Some(enabled))
    }

    fn change(
        &self,
        uid: &str,
        wait: impl FnOnce(&mut PendingChange),
        change: impl Fn(&mut OverrideLayer),
    ) -> Result<Applied, Error> {
        let entries = self.find_or_wait(uid, wait)?;
        for entry in &entries {
            entry.override_by_call(&change);
        }
        Ok(Applied::of(&entries))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("entries", &self.list())
            .finish()
    }
}
