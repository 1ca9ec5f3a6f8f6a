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
pub(crate) mod redlock;

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

    pub(in crate::backend::lock) fn lock_place(&self, name: &str) -> LockPlace {
        LockPlace {
            store: self.store().clone(),
            key: self.lock_key(name),
        }
    }
}
