//! Acquires a lock on one store, or on the majority of several.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::backend::lock::guard::LockGuard;
use crate::backend::lock::options::LockOptions;
use crate::backend::lock::place::LockPlace;
use crate::error::Error;
use crate::resilience::backoff::{Backoff, Jitter};
use crate::timer;

/// The validity of a lock whose `ttl` the clock cannot add.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The pauses between attempts.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_millis(4))
    .max_delay(Duration::from_millis(64))
    .jitter(Jitter::Equal);

/// Acquires a lock, with attempts until the options' time is over.
pub(super) async fn acquire(
    name: &str,
    places: Vec<LockPlace>,
    options: LockOptions,
) -> Result<LockGuard, Error> {
    options.check()?;
    let deadline = options
        .blocking_timeout
        .and_then(|timeout| Instant::now().checked_add(timeout));
    let mut pauses = BACKOFF.delays();
    loop {
        // The guard comes first, so that an attempt which is cancelled or fails is undone.
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

/// Attempts once.
async fn attempt(mut guard: LockGuard, ttl: Duration) -> Result<Option<LockGuard>, Error> {
    let started = Instant::now();
    let (is_acquired, valid) = match guard.places() {
        [place] if place.store.is_local() => (place.acquire(guard.token(), ttl).await?, ttl),
        [place] => {
            let is_acquired = place.acquire(guard.token(), ttl).await?;
            (is_acquired, certain_part(ttl))
        }
        places => {
            let is_acquired = acquire_majority(places, guard.token(), ttl).await?;
            (is_acquired, certain_part(ttl))
        }
    };
    guard.set_answered();
    let until = started.checked_add(valid).unwrap_or(started + CENTURY);
    guard.set_valid_until(until);
    Ok((is_acquired && !guard.remaining().is_zero()).then_some(guard))
}

/// Returns the part of a `ttl` for which a store of another process is certain to keep a lock, from
/// when the request was sent. Its clock may run faster, by a hundredth, and a server takes the time
/// when it wakes up for a request, which may be before the request was sent: two milliseconds, or
/// half of a shorter `ttl`.
fn certain_part(ttl: Duration) -> Duration {
    let allowance = (ttl / 100).saturating_add(Duration::from_millis(2));
    ttl.saturating_sub(allowance.min(ttl / 2))
}

/// Calls all stores at once, and waits only for the answers of a majority. Errors of stores are an
/// error only if they leave no majority.
async fn acquire_majority(
    places: &[LockPlace],
    token: &Arc<str>,
    ttl: Duration,
) -> Result<bool, Error> {
    let majority = places.len() / 2 + 1;
    let mut attempts: JoinSet<_> = places
        .iter()
        .map(|place| {
            let (place, token) = (place.clone(), token.clone());
            async move { place.acquire(&token, ttl).await }
        })
        .collect();
    let (mut acquired, mut failed) = (0, 0);
    while let Some(result) = attempts.join_next().await {
        match result.unwrap_or_else(|error| Err(Error::backend(error.to_string()))) {
            Ok(is_acquired) => acquired += usize::from(is_acquired),
            Err(error) => {
                failed += 1;
                if failed > places.len() - majority {
                    return Err(error);
                }
            }
        }
        if acquired == majority {
            // The others may still be acquired, and are released with the rest.
            attempts.detach_all();
            return Ok(true);
        }
    }
    Ok(false)
}
