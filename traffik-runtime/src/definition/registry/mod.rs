//! The registered throttles, by uid: what each is, and what holds instead of its definition.
//!
//! [`registry`] gives the process's [`Registry`]. What is changed there takes effect on the next hit, everywhere in the
//! process; states are kept, so nobody is refunded or charged again.

pub(crate) mod resolved_client;

pub(crate) mod applied;
pub(crate) mod entry;
pub(crate) mod event;
pub(crate) mod overridden;
#[cfg(feature = "overrides")]
pub(crate) mod overrides_file;
pub(crate) mod pending;
pub(crate) mod rates;
pub(crate) mod registration;

pub use applied::Applied;
pub use entry::Entry;
pub use event::{Event, Listener};
pub use pending::Pending;
pub use rates::Rates;
pub use resolved_client::ResolvedClient;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

pub use crate::observe::Outcome;

use crate::definition::limits;
use crate::definition::registry::overridden::{Layer, Live, check_not_empty};
use crate::definition::registry::pending::{PendingChange, PendingChanges};
use crate::definition::registry::registration::Record;
use crate::error::Error;

static REGISTRY: Registry = Registry {
    seen: Mutex::new(BTreeMap::new()),
    pending_changes: PendingChanges::new(),
    #[cfg(feature = "overrides")]
    overrides: overrides_file::Overrides::new(),
};

/// The registered throttles of this process, and the changes that wait for one to be registered.
///
/// ```
/// use traffik::{Backend, DynThrottle, Identity, Rate, registry};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mails = DynThrottle::builder("mails").rate("2/hour".parse()?).backend(Backend::memory()).build()?;
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

/// The registered throttles of this process; [`registry`] gives it.
///
/// A throttle of a macro is registered when a [`ThrottleLayer`](crate::http::layer::ThrottleLayer) is built with it, or else on its
/// first decision, and stays. A [`DynThrottle`](crate::throttle::dynamic::DynThrottle) is registered from when it is built until its last clone
/// is gone. A change to a throttle that is not registered yet waits for it, and takes effect before its first decision:
/// [`Applied::Pending`]. Throttles of one uid and one definition are one entry, and what is said of a uid is
/// said of all of them; to have one uid and different definitions is an error, unless they were built on backends of their
/// own, which cannot meet.
pub struct Registry {
    seen: Mutex<BTreeMap<String, Vec<Weak<Live>>>>,
    pending_changes: PendingChanges,
    #[cfg(feature = "overrides")]
    overrides: overrides_file::Overrides,
}

impl Registry {
    /// All of them, in the order of their uids.
    pub fn list(&self) -> Vec<Entry> {
        let mut entries: Vec<_> = self.live().iter().map(|live| live.entry()).collect();
        // The same throttle may have been built on several backends.
        entries.dedup();
        entries
    }

    /// Gives a throttle another rate, or a list of rates decided together; the whole list takes the place of all its rates,
    /// also of one that a function gives. It holds until it is set again or [`reset`](Self::reset), and for those that are
    /// there: one of this uid that is built later, on another backend of its own, starts from its definition.
    ///
    /// If no throttle of this uid is registered, the rates wait for the first one, and [`pending`](Self::pending) lists them
    /// until then. Of several calls for one uid, the last wins.
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
    /// [`Error::Configuration`] if there are no rates, if the strategy of a registered throttle makes no law of one, or if no
    /// throttle can have the uid, which has more than 255 bytes. Then nothing has changed. If the strategy of a throttle that is
    /// registered later makes no law of a rate that waits, the throttle keeps its own rates, which is logged at `error`, and
    /// [`pending`](Self::pending) gives the reason.
    pub fn set_rate(&self, uid: &str, rates: impl Into<Rates>) -> Result<Applied, Error> {
        let rates = rates.into().0;
        check_not_empty(uid, &rates)?;
        let found = self.find_or_wait(uid, |change| change.rates = Some(rates.clone()))?;
        let Some(found) = found else {
            return Ok(Applied::Pending);
        };
        let worked_out = found.iter().map(|live| live.worked_out(&rates));
        let worked_out: Vec<_> = worked_out.collect::<Result<_, _>>()?;
        for (live, rates) in found.iter().zip(worked_out) {
            live.by_hand(|layer| layer.set_rates(rates));
        }
        Ok(Applied::Now)
    }

    /// Lets a throttle admit everybody, count nobody and send no header fields, until it is [enabled](Self::enable) again. If
    /// no throttle of this uid is registered, that waits for the first one.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if no throttle can have the uid, which has more than 255 bytes.
    pub fn disable(&self, uid: &str) -> Result<Applied, Error> {
        self.switch(uid, false)
    }

    /// Lets a throttle limit again. A [`disable`](Self::disable) that waits for a throttle is taken back.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if no throttle can have the uid, which has more than 255 bytes.
    pub fn enable(&self, uid: &str) -> Result<Applied, Error> {
        self.switch(uid, true)
    }

    /// Forgets what [`set_rate`](Self::set_rate), [`disable`](Self::disable) and [`enable`](Self::enable) changed of a
    /// throttle: what a file of overrides says holds again, else its definition. Changes that wait for a throttle wait no
    /// more.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if no throttle can have the uid, which has more than 255 bytes.
    pub fn reset(&self, uid: &str) -> Result<Applied, Error> {
        let wait = |change: &mut PendingChange| *change = PendingChange::default();
        self.by_hand(uid, wait, |layer| *layer = Layer::default())
    }

    /// Calls a function with each decision on a throttle, from now on until the [`Listener`] is stopped. It runs where the
    /// decision was made, before the answer: let it be quick, and hand over what takes longer. If it panics, that is a panic
    /// of the request.
    ///
    /// Of a set that was refused, those members are told of that refused. What is exempt, unlimited or disabled is no
    /// decision.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use traffik::{registry, registry::Outcome};
    ///
    /// let refused = Arc::new(AtomicU64::new(0));
    /// let count = refused.clone();
    /// let listener = registry().on(move |event| {
    ///     if event.outcome == Outcome::Refused {
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// });
    /// // … and when nobody wants to know any more:
    /// listener.stop();
    /// ```
    pub fn on(&self, listen: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Listener {
        event::listen(Arc::new(listen))
    }

    /// Takes in a throttle that is used for the first time, or says why it cannot be: another has its uid.
    pub(crate) fn enter(&self, record: Record) -> Result<Arc<Live>, String> {
        let live = Arc::new(Live::new(record));
        #[cfg(feature = "overrides")]
        let heeded = self.overrides.heed(&live);
        // Rates are worked out without the lock, since that calls strategies of the application's.
        let live = loop {
            let change = self.pending_changes.get(&live.record.uid);
            live.by_pending(change.as_ref());
            if let Some(live) = self.admit(&live, change.as_ref())? {
                break live;
            }
        };
        #[cfg(feature = "overrides")]
        if self.overrides.is_newer_than(heeded) {
            self.overrides.heed(&live);
        }
        Ok(live)
    }

    /// Returns the one that stands for this one from now on: itself, with the change that waited for it, or one that was there
    /// and is equal. `None` if another change waits by now.
    fn admit(
        &self,
        live: &Arc<Live>,
        change: Option<&PendingChange>,
    ) -> Result<Option<Arc<Live>>, String> {
        // Let go after the lock, which the last one of a uid takes.
        let known;
        let mut seen = self.seen.lock();
        let same = seen.entry(live.record.uid.to_string()).or_default();
        known = upgraded(same);
        let met = known.iter().find(|known| live.record.meets(&known.record));
        match met {
            None if !self.pending_changes.take(&live.record.uid, change) => Ok(None),
            None => {
                same.push(Arc::downgrade(live));
                Ok(Some(live.clone()))
            }
            Some(known) if live.record.agrees(&known.record) => Ok(Some(known.clone())),
            Some(known) => Err(live.record.conflict(&known.record)),
        }
    }

    /// Returns all of this uid. If there is none, changes what waits for the first one, and returns `None`.
    fn find_or_wait(
        &self,
        uid: &str,
        wait: impl FnOnce(&mut PendingChange),
    ) -> Result<Option<Vec<Arc<Live>>>, Error> {
        limits::check_length("uid", uid).map_err(|message| Error::configuration(uid, message))?;
        let seen = self.seen.lock();
        let found = seen.get(uid).map(|same| upgraded(same));
        let found = found.filter(|same| !same.is_empty());
        if found.is_none() {
            // Within the lock, so that no throttle is registered in between.
            self.pending_changes.update(uid, wait);
        }
        drop(seen);
        Ok(found)
    }

    fn switch(&self, uid: &str, enabled: bool) -> Result<Applied, Error> {
        let wait = |change: &mut PendingChange| change.switch(enabled);
        self.by_hand(uid, wait, |layer| layer.enabled = Some(enabled))
    }

    fn by_hand(
        &self,
        uid: &str,
        wait: impl FnOnce(&mut PendingChange),
        change: impl Fn(&mut Layer),
    ) -> Result<Applied, Error> {
        let Some(found) = self.find_or_wait(uid, wait)? else {
            return Ok(Applied::Pending);
        };
        for live in found {
            live.by_hand(&change);
        }
        Ok(Applied::Now)
    }

    /// Those that are still there. They are let go without the lock, which the last one of a uid takes.
    fn live(&self) -> Vec<Arc<Live>> {
        let seen = self.seen.lock();
        seen.values().flat_map(|same| upgraded(same)).collect()
    }

    /// Frees the places of those of a uid whose last throttles are gone.
    fn leave(&self, uid: &str) {
        let mut seen = self.seen.lock();
        let Some(same) = seen.get_mut(uid) else {
            return;
        };
        same.retain(|live| live.strong_count() > 0);
        if same.is_empty() {
            seen.remove(uid);
        }
    }
}

fn upgraded(live: &[Weak<Live>]) -> Vec<Arc<Live>> {
    live.iter().filter_map(Weak::upgrade).collect()
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("entries", &self.list())
            .finish()
    }
}
