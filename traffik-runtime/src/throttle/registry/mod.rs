//! Every throttle that was used so far, by its uid: what it is, and what holds instead of its definition.
//!
//! [`registry`] gives the process's [`Registry`]. What is changed there takes effect on the next hit, everywhere in the
//! process; states are kept, so nobody is refunded or charged again.

mod entry;
mod event;
mod live;
#[cfg(feature = "overrides")]
mod overrides;
mod rates;
mod record;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

pub use entry::Entry;
pub use event::{Event, Listener};
pub(super) use event::{anybody_listens, tell};
use live::Layer;
pub(super) use live::{Change, Live};
#[cfg(feature = "overrides")]
pub use overrides::Pending;
pub use rates::Rates;
pub(super) use record::{Place, Record, Shared};

use crate::error::Error;
pub use crate::observe::Outcome;
use crate::suggest::nearest;

static REGISTRY: Registry = Registry {
    seen: Mutex::new(BTreeMap::new()),
    #[cfg(feature = "overrides")]
    overrides: overrides::Overrides::new(),
};

/// The throttles of this process, as far as they were used.
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

/// Every throttle that was used so far; [`registry`] gives it.
///
/// A throttle of a macro is seen with its first decision and stays, a [`DynThrottle`](super::DynThrottle) from when it is
/// built until its last clone is gone. Throttles of one uid and one definition are one entry, and what is said of a uid is
/// said of all of them; to have one uid and different definitions is an error, unless they were built on backends of their
/// own, which cannot meet.
pub struct Registry {
    seen: Mutex<BTreeMap<String, Vec<Weak<Live>>>>,
    #[cfg(feature = "overrides")]
    overrides: overrides::Overrides,
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
    /// ```
    /// # use traffik::{Backend, DynThrottle, Rate, registry};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let posts = DynThrottle::builder("posts").rate("2/hour".parse()?).build()?;
    /// registry().set_rate("posts", "20/minute".parse::<Rate>()?)?;
    /// registry().set_rate("posts", [Rate::per_second(5), Rate::per_hour(100)])?;
    ///
    /// let unknown = registry().set_rate("post", Rate::per_hour(1)).unwrap_err();
    /// assert_eq!(unknown.to_string(), "no throttle `post` was used so far; did you mean `posts`?");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Where no throttle of this uid was used so far, there are no rates, or its strategy makes no law of one; then nothing
    /// has changed.
    pub fn set_rate(&self, uid: &str, rates: impl Into<Rates>) -> Result<(), Error> {
        let (found, rates) = (self.find(uid)?, rates.into().0);
        let worked_out = found.iter().map(|live| live.worked_out(&rates));
        let worked_out: Vec<_> = worked_out.collect::<Result<_, _>>()?;
        for (live, rates) in found.iter().zip(worked_out) {
            live.by_hand(|layer| layer.rates = Some(rates));
        }
        Ok(())
    }

    /// Lets a throttle admit everybody, count nobody and send no header fields, until it is [enabled](Self::enable) again.
    ///
    /// # Errors
    ///
    /// Where no throttle of this uid was used so far.
    pub fn disable(&self, uid: &str) -> Result<(), Error> {
        self.by_hand(uid, |layer| layer.enabled = Some(false))
    }

    /// Lets a throttle limit again.
    ///
    /// # Errors
    ///
    /// Where no throttle of this uid was used so far.
    pub fn enable(&self, uid: &str) -> Result<(), Error> {
        self.by_hand(uid, |layer| layer.enabled = Some(true))
    }

    /// Forgets what [`set_rate`](Self::set_rate), [`disable`](Self::disable) and [`enable`](Self::enable) said of a
    /// throttle: what a file of overrides says holds again, else its definition.
    ///
    /// # Errors
    ///
    /// Where no throttle of this uid was used so far.
    pub fn reset(&self, uid: &str) -> Result<(), Error> {
        self.by_hand(uid, |layer| *layer = Layer::default())
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
    pub(super) fn enter(&self, record: Record) -> Result<Arc<Live>, String> {
        let live = Arc::new(Live::new(record));
        #[cfg(feature = "overrides")]
        let heeded = self.overrides.heed(&live);
        let live = self.admit(live)?;
        #[cfg(feature = "overrides")]
        if self.overrides.is_newer_than(heeded) {
            self.overrides.heed(&live);
        }
        Ok(live)
    }

    /// The one that stands for this one from now on: itself, or one that was there and is the same.
    fn admit(&self, live: Arc<Live>) -> Result<Arc<Live>, String> {
        // Let go after the lock, which the last one of a uid takes.
        let known;
        let mut seen = self.seen.lock();
        let same = seen.entry(live.record.uid.to_string()).or_default();
        known = upgraded(same);
        let met = known.iter().find(|known| live.record.meets(&known.record));
        match met {
            None => {
                same.push(Arc::downgrade(&live));
                Ok(live)
            }
            Some(known) if live.record.agrees(&known.record) => Ok(known.clone()),
            Some(known) => Err(live.record.conflict(&known.record)),
        }
    }

    /// All of this uid, of which there is at least one.
    fn find(&self, uid: &str) -> Result<Vec<Arc<Live>>, Error> {
        let found = self.seen.lock().get(uid).map(|same| upgraded(same));
        let found = found.filter(|same| !same.is_empty());
        found.ok_or_else(|| self.unknown(uid))
    }

    fn by_hand(&self, uid: &str, say: impl Fn(&mut Layer)) -> Result<(), Error> {
        for live in self.find(uid)? {
            live.by_hand(&say);
        }
        Ok(())
    }

    fn unknown(&self, uid: &str) -> Error {
        let live = self.live();
        let uids = live.iter().map(|live| &*live.record.uid);
        Error::UnknownThrottle {
            uid: uid.to_owned(),
            suggestion: nearest(uid, uids).map(str::to_owned),
        }
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
