//! Taking a lock, on one backend or the majority of several.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::backend::lock::Place;
use crate::backend::lock::guard::LockGuard;
use crate::backend::lock::options::LockOptions;
use crate::error::Error;
use crate::resilience::backoff::{Backoff, Jitter};
use crate::timer;

/// For ever, where the clock cannot tell that.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Between two tries.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_millis(4))
    .max_delay(Duration::from_millis(64))
    .jitter(Jitter::Equal);

pub(super) async fn acquire(
    name: &str,
    places: Vec<Place>,
    options: LockOptions,
) -> Result<LockGuard, Error> {
    options.check()?;
    let deadline = options
        .blocking_timeout
        .and_then(|timeout| Instant::now().checked_add(timeout));
    let mut pauses = BACKOFF.pauses();
    loop {
        // A guard first: a try that is cancelled or fails half-way is taken back.
        let guard = LockGuard::new(name, places.clone());
        if let Some(guard) = attempt(guard, options.ttl).await? {
            return Ok(guard);
        }
        let mut pause = pauses.next();
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if !options.blocking || left == Some(Duration::ZERO) {
            return Err(Error::LockTimeout {
                name: name.to_owned(),
            });
        }
        if let Some(left) = left {
            pause = pause.min(left);
        }
        timer::sleep(pause).await?;
    }
}

/// Tries once.
async fn attempt(mut guard: LockGuard, ttl: Duration) -> Result<Option<LockGuard>, Error> {
    let started = Instant::now();
    let (held, valid) = match guard.places() {
        [place] => (place.take(guard.token(), ttl).await?, ttl),
        places => {
            let drift = (ttl / 100).saturating_add(Duration::from_millis(2));
            let held = take_majority(places, guard.token(), ttl).await?;
            (held, ttl.saturating_sub(drift))
        }
    };
    guard.is_answered();
    let until = started.checked_add(valid).unwrap_or(started + CENTURY);
    guard.is_valid_until(until);
    Ok((held && !guard.remaining().is_zero()).then_some(guard))
}

/// Asks all at once, and waits for no more answers than it takes. Backends that fail are an error only if they leave no
/// majority.
async fn take_majority(places: &[Place], token: &Arc<str>, ttl: Duration) -> Result<bool, Error> {
    let majority = places.len() / 2 + 1;
    let mut tries: JoinSet<_> = places
        .iter()
        .map(|place| {
            let (place, token) = (place.clone(), token.clone());
            async move { place.take(&token, ttl).await }
        })
        .collect();
    let (mut taken, mut failed) = (0, 0);
    while let Some(result) = tries.join_next().await {
        match result.unwrap_or_else(|error| Err(Error::backend(error.to_string()))) {
            Ok(held) => taken += usize::from(held),
            Err(error) => {
                failed += 1;
                if failed > places.len() - majority {
                    return Err(error);
                }
            }
        }
        if taken == majority {
            // The others may still be taken, and are given back with the rest.
            tries.detach_all();
            return Ok(true);
        }
    }
    Ok(false)
}
