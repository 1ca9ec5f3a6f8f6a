//! Locks: one holder at a time, across processes, for no longer than a time that is said beforehand.
//!
//! No strategy of this crate needs a lock, and neither does one of your own: states are written by compare-and-swap. A
//! lock is for work that must not be done twice at once, such as filling a cache. It is no proof against a holder that
//! was suspended beyond its `ttl`: what must be *correct* has to check, where it writes, that nobody was faster.

pub(crate) mod acquire;
pub(crate) mod defaults;
pub(crate) mod guard;
pub(crate) mod options;

use std::sync::Arc;

use crate::backend::lock::guard::LockGuard;
use crate::backend::lock::options::LockOptions;
use crate::backend::{Backend, Keys};
use crate::error::Error;

impl Backend {
    /// Takes a lock, waiting for it if the options say so, or, given `None`, the [backend's](Self::lock_options); it is given back when the guard is dropped, or
    /// [released](LockGuard::release), and ends by itself after its `ttl`.
    ///
    /// ```
    /// use traffik::{Backend, ErrorKind, LockOptions};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let backend = Backend::memory();
    /// let report = backend.lock("report", LockOptions::default()).await?;
    ///
    /// let second = backend.lock("report", LockOptions::default().blocking(false)).await;
    /// assert_eq!(second.unwrap_err().kind(), ErrorKind::LockTimeout);
    ///
    /// report.release().await?;
    /// # Ok::<(), traffik::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::LockTimeout`] if somebody else held it all the time; [`Error::BackendConfiguration`] if the options, or
    /// the defaults in the environment, make no sense; or what went wrong with the backend.
    pub async fn lock(
        &self,
        name: &str,
        options: impl Into<Option<LockOptions>>,
    ) -> Result<LockGuard, Error> {
        let options = options.into().or(self.inner.defaults.lock_options);
        let options = options.unwrap_or_default();
        acquire::acquire(name, vec![self.place(name)], options).await
    }

    fn place(&self, name: &str) -> Place {
        Place {
            keys: self.inner.keys.clone(),
            key: self.lock_key(name),
        }
    }
}

/// Takes a lock on the majority of several independent backends, as [`Backend::lock`] does on one: whoever dies among
/// fewer than half of them, the lock can still be had, and is held by one at a time.
///
/// The backends must not replicate each other, or what is held on two is held on one. A lock is valid for its `ttl` less
/// the time it took to take it, and less what clocks may differ by (a hundredth, and two milliseconds): see
/// [`LockGuard::remaining`]. It assumes that clocks run at about the same speed and that no holder sleeps beyond that
/// time, and hands out no number by which a resource could tell an old holder from a new one: it saves work, it does not
/// make writes safe.
///
/// # Errors
///
/// As [`Backend::lock`]; what went wrong with a backend only if no majority was left.
pub async fn redlock(
    backends: &[Backend],
    name: &str,
    options: LockOptions,
) -> Result<LockGuard, Error> {
    let places: Vec<_> = backends.iter().map(|backend| backend.place(name)).collect();
    if places.is_empty() {
        let message = "`redlock` was given no backends; give it three or more".to_owned();
        return Err(Error::BackendConfiguration { message });
    }
    acquire::acquire(name, places, options).await
}

/// Where a lock is, or one part of it.
#[derive(Clone, Debug)]
struct Place {
    keys: Keys,
    key: String,
}

impl Place {
    fn store(&self) -> &dyn crate::store::erased::Primitives {
        match &self.keys {
            Keys::Here(bytes) => bytes,
            Keys::There(store) => &**store,
        }
    }

    async fn take(&self, token: &str, ttl: std::time::Duration) -> Result<bool, Error> {
        let token = Some(token.as_bytes());
        self.store()
            .compare_and_swap(&self.key, None, token, Some(ttl))
            .await
    }

    /// Gives it back if it is still this holder's, and says whether it was.
    async fn give_back(self, token: Arc<str>) -> Result<bool, Error> {
        let token = Some(token.as_bytes());
        self.store()
            .compare_and_swap(&self.key, token, None, None)
            .await
    }
}
