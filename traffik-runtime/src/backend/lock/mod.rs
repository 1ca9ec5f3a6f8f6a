//! Locks with one holder at a time, across processes, for a limited time.
//!
//! No strategy of this crate needs a lock, and a strategy of your own needs none either, because
//! states are written by compare-and-swap. A lock is for work that should not be done twice at
//! once, such as filling a cache. It does not protect from a holder that was suspended beyond its
//! `ttl`: where correctness depends on it, the resource that is written to has to check for a later
//! holder.

pub(crate) mod acquire;
pub(crate) mod defaults;
pub(crate) mod guard;
pub(crate) mod options;
pub(crate) mod place;

use crate::backend::Backend;
use crate::backend::lock::acquire::acquire;
use crate::backend::lock::guard::LockGuard;
use crate::backend::lock::options::LockOptions;
use crate::backend::lock::place::LockPlace;
use crate::error::Error;

impl Backend {
    /// Acquires a lock, and waits for it if the options say so. `None` stands for the backend's
    /// [options](Self::lock_options). The lock is released when the guard is dropped or
    /// [released](LockGuard::release), and ends by itself after its `ttl`.
    ///
    /// ```
    /// use traffik::{Backend, ErrorKind, LockOptions};
    ///
    /// # use tokio::runtime::Builder;
    /// # Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
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
    /// [`Error::LockTimeout`] if another holder had the lock all the time;
    /// [`Error::BackendConfiguration`] if the options, or the defaults in the environment, are
    /// malformed; or the error of the backend.
    pub async fn lock(
        &self,
        name: &str,
        options: impl Into<Option<LockOptions>>,
    ) -> Result<LockGuard, Error> {
        let options = options.into().or(self.parts.defaults.lock_options);
        let options = options.unwrap_or_default();
        acquire(name, vec![self.lock_place(name)], options).await
    }

    fn lock_place(&self, name: &str) -> LockPlace {
        LockPlace {
            store: self.store().clone(),
            key: self.lock_key(name),
        }
    }
}

/// Acquires a lock on the majority of several independent backends, as [`Backend::lock`] does on
/// one. If fewer than half of them fail, the lock can still be acquired, and has one holder at a
/// time.
///
/// The backends must not replicate each other, because a lock on two of them would be a lock on
/// one. A lock is valid for its `ttl`, less the time that acquiring it took, less the difference
/// that clocks may have (a hundredth, and two milliseconds): see [`LockGuard::remaining`]. This
/// assumes that clocks run at about the same speed and that no holder sleeps beyond that time.
/// There is no number by which a resource could tell an old holder from a new one, so the lock
/// saves work, but does not make writes safe.
///
/// # Errors
///
/// As [`Backend::lock`]; the error of a backend only if no majority is left.
pub async fn redlock(
    backends: &[Backend],
    name: &str,
    options: LockOptions,
) -> Result<LockGuard, Error> {
    let places = backends.iter().map(|backend| backend.lock_place(name));
    let places: Vec<_> = places.collect();
    if places.is_empty() {
        let message = "`redlock` was given no backends; give it three or more".to_owned();
        return Err(Error::BackendConfiguration { message });
    }
    acquire(name, places, options).await
}
