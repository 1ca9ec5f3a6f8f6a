//! The guard of an acquired lock.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::backend::lock::place::LockPlace;
use crate::error::Error;
use crate::resilience::backoff::random;
use crate::timer;

/// The time after which an attempt that was cancelled has reached its store.
const LATE: Duration = Duration::from_secs(1);

/// A lock that ends when this is dropped or [released](Self::release), or when its `ttl` is over.
///
/// Dropping the guard releases the lock in the background, on the runtime on which it is dropped;
/// without one the lock ends with its `ttl`.
#[derive(Debug)]
#[must_use = "a lock is released when its guard is dropped"]
pub struct LockGuard {
    name: Box<str>,
    /// The places where the lock may be acquired, and is released in any case.
    places: Vec<LockPlace>,
    token: Arc<str>,
    /// Set once every place has answered. An attempt without an answer may still be done.
    answered: bool,
    /// The moment from which another holder can acquire the lock.
    valid_until: Instant,
}

impl LockGuard {
    /// The guard of a lock that is about to be acquired. If that fails, dropping the guard undoes
    /// it.
    pub(super) fn new(name: &str, places: Vec<LockPlace>) -> Self {
        let token = format!("{:016x}{:016x}", random(), random());
        Self {
            name: name.into(),
            places,
            token: token.into(),
            answered: false,
            valid_until: Instant::now(),
        }
    }

    pub(super) fn places(&self) -> &[LockPlace] {
        &self.places
    }

    pub(super) const fn token(&self) -> &Arc<str> {
        &self.token
    }

    pub(super) const fn set_answered(&mut self) {
        self.answered = true;
    }

    pub(super) const fn set_valid_until(&mut self, until: Instant) {
        self.valid_until = until;
    }

    /// Returns the name of the lock.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the time for which no other holder can acquire the lock; zero if one may have done
    /// so already. A store of another process has a clock of its own. There it is a hundredth and
    /// two milliseconds less than the rest of the `ttl`; at first it is at least half of the `ttl`.
    pub fn remaining(&self) -> Duration {
        self.valid_until.saturating_duration_since(Instant::now())
    }

    /// Releases the lock, and waits for that.
    ///
    /// # Errors
    ///
    /// [`Error::LockLost`] if the lock had expired; or the error of the backend, after which the
    /// lock ends with its `ttl`.
    pub async fn release(mut self) -> Result<(), Error> {
        let majority = self.places.len() / 2 + 1;
        let mut released = 0;
        let mut failed = None;
        let mut count = |result| match result {
            Ok(had_lock) => released += usize::from(had_lock),
            Err(error) => failed = Some(error),
        };
        if let [place] = &*self.places {
            count(place.clone().release(self.token.clone()).await);
        } else {
            let mut tasks = self.release_all();
            while let Some(result) = tasks.join_next().await {
                count(result.unwrap_or_else(|error| Err(Error::backend(error.to_string()))));
            }
        }
        self.places.clear();
        match failed {
            _ if released >= majority => Ok(()),
            Some(error) => Err(error),
            None => Err(Error::LockLost {
                name: self.name.to_string(),
            }),
        }
    }

    fn release_all(&self) -> JoinSet<Result<bool, Error>> {
        let places = self.places.iter().cloned();
        places
            .map(|place| place.release(self.token.clone()))
            .collect()
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        for place in self.places.drain(..) {
            let is_local = place.store.is_local();
            let releasing = place.clone().release(self.token.clone());
            if is_local {
                let mut context = Context::from_waker(Waker::noop());
                let done: Poll<_> = pin!(releasing).poll(&mut context);
                debug_assert!(done.is_ready(), "memory answers at once");
            } else if let Ok(runtime) = Handle::try_current() {
                let again = (!self.answered).then(|| place.release(self.token.clone()));
                runtime.spawn(async move {
                    let _ = releasing.await;
                    // On another socket it may have overtaken the attempt that it undoes.
                    if let Some(again) = again {
                        let _ = timer::sleep(LATE).await;
                        let _ = again.await;
                    }
                });
            }
        }
    }
}
