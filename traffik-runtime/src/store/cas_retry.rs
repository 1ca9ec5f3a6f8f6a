//! Retries of a compare-and-swap that lost to another writer.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::resilience::backoff::{Backoff, Delays, Jitter};
use crate::timer;

/// The greatest number of attempts. One writer succeeds in every round, so a store that works comes
/// nowhere near this.
const MAX_ATTEMPTS: u32 = 500;

/// The number of attempts before the first pause: most conflicts are between two writers.
const WITHOUT_PAUSE: u32 = 4;

const BACKOFF: Backoff = Backoff::exponential(Duration::from_micros(200))
    .max_delay(Duration::from_millis(20))
    .jitter(Jitter::Equal);

/// The retries of one operation on one key.
#[derive(Debug)]
pub(crate) struct Retries<'a> {
    key: &'a str,
    attempts: u32,
    pauses: Delays,
    deadline: Option<Instant>,
}

impl<'a> Retries<'a> {
    /// Retries without a deadline.
    pub(crate) const fn new(key: &'a str) -> Self {
        Self {
            key,
            attempts: 0,
            pauses: BACKOFF.delays(),
            deadline: None,
        }
    }

    /// Sets the moment after which there are no retries.
    #[cfg(feature = "memcached")]
    pub(crate) fn until(self, deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    ///
    /// [`Error::Contention`] after the last attempt.
    pub(crate) async fn again(&mut self) -> Result<(), Error> {
        self.attempts += 1;
        let pause = if self.attempts > WITHOUT_PAUSE {
            self.pauses.next()
        } else {
            Duration::ZERO
        };
        let is_late = self
            .deadline
            .is_some_and(|deadline| Instant::now() + pause >= deadline);
        if self.attempts >= MAX_ATTEMPTS || is_late {
            return Err(Error::Contention {
                key: self.key.to_owned(),
                tries: self.attempts,
            });
        }
        if !pause.is_zero() {
            timer::sleep(pause).await?;
        }
        Ok(())
    }
}
