//! A lock that is held.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::backend::Keys;
use crate::backend::lock::Place;
use crate::error::Error;
use crate::resilience::backoff::random;
use crate::timer;

/// What is under way when somebody stops waiting for it has arrived after this time.
const LATE: Duration = Duration::from_secs(1);

/// A lock that is held until this is dropped, [released](Self::release), or its `ttl` is over.
///
/// Dropped, it is given back in the background, on the runtime it is dropped on; where there is none it ends with its
/// `ttl`.
#[derive(Debug)]
#[must_use = "a lock is given back when its guard is dropped"]
pub struct LockGuard {
    name: Box<str>,
    /// Where it may be held: it is given back there, whether it is or not.
    places: Vec<Place>,
    token: Arc<str>,
    /// Whether every place has said if it was taken there: what was not answered may still be done.
    answered: bool,
    /// Until when nobody else can have it.
    valid_until: Instant,
}

impl LockGuard {
    /// One that is about to be taken: whatever becomes of that, dropping it leaves nothing behind.
    pub(super) fn new(name: &str, places: Vec<Place>) -> Self {
        let token = format!("{:016x}{:016x}", random(), random());
        Self {
            name: name.into(),
            places,
            token: token.into(),
            answered: false,
            valid_until: Instant::now(),
        }
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    pub(super) const fn token(&self) -> &Arc<str> {
        &self.token
    }

    pub(super) const fn is_answered(&mut self) {
        self.answered = true;
    }

    pub(super) const fn is_valid_until(&mut self, until: Instant) {
        self.valid_until = until;
    }

    /// The lock's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For how long nobody else can have the lock; zero if somebody else may have it already.
    pub fn remaining(&self) -> Duration {
        self.valid_until.saturating_duration_since(Instant::now())
    }

    /// Gives the lock back, and waits until it is.
    ///
    /// # Errors
    ///
    /// [`Error::LockLost`] if it had expired; or what went wrong with the backend, and then it ends with its `ttl`.
    pub async fn release(mut self) -> Result<(), Error> {
        let majority = self.places.len() / 2 + 1;
        let mut given_back = 0;
        let mut failed = None;
        let mut count = |result| match result {
            Ok(held) => given_back += usize::from(held),
            Err(error) => failed = Some(error),
        };
        if let [place] = &*self.places {
            count(place.clone().give_back(self.token.clone()).await);
        } else {
            let mut tasks = self.give_back_all();
            while let Some(result) = tasks.join_next().await {
                count(result.unwrap_or_else(|error| Err(Error::backend(error.to_string()))));
            }
        }
        self.places.clear();
        match failed {
            _ if given_back >= majority => Ok(()),
            Some(error) => Err(error),
            None => Err(Error::LockLost {
                name: self.name.to_string(),
            }),
        }
    }

    fn give_back_all(&self) -> JoinSet<Result<bool, Error>> {
        let places = self.places.iter().cloned();
        places
            .map(|place| place.give_back(self.token.clone()))
            .collect()
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        for place in self.places.drain(..) {
            let at_once = matches!(place.keys, Keys::Here(_));
            let giving_back = place.clone().give_back(self.token.clone());
            if at_once {
                let mut context = Context::from_waker(Waker::noop());
                let done: Poll<_> = pin!(giving_back).poll(&mut context);
                debug_assert!(done.is_ready(), "memory answers at once");
            } else if let Ok(runtime) = Handle::try_current() {
                let again = (!self.answered).then(|| place.give_back(self.token.clone()));
                runtime.spawn(async move {
                    let _ = giving_back.await;
                    // On another socket it may have overtaken what it gives back.
                    if let Some(again) = again {
                        let _ = timer::sleep(LATE).await;
                        let _ = again.await;
                    }
                });
            }
        }
    }
}
