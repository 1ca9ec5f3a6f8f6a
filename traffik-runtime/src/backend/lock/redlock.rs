//! `redlock`: a lock on the majority of several independent backends.

use crate::backend::Backend;
use crate::backend::lock::acquire::acquire;
use crate::backend::lock::guard::LockGuard;
use crate::backend::lock::options::LockOptions;
use crate::error::Error;

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
