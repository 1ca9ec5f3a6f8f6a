//! How often a compare-and-swap is tried again when others were faster.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::resilience::backoff::{Backoff, Jitter, Pauses};
use crate::timer;

/// Somebody succeeds in every round, so a store that works comes nowhere near this.
const MOST: u32 = 500;

/// The first tries follow each other at once: most conflicts are between two.
const AT_ONCE: u32 = 4;

const BACKOFF: Backoff = Backoff::exponential(Duration::from_micros(200))
    .max_delay(Duration::from_millis(20))
    .jitter(Jitter::Equal);

/// The tries of one operation on one key.
#[derive(Debug)]
pub(crate) struct Retries<'a> {
    key: &'a str,
    tries: u32,
    pauses: Pauses,
    deadline: Option<Instant>,
}

impl<'a> Retries<'a> {
    pub(crate) const fn of(key: &'a str) -> Self {
        Self {
            key,
            tries: 0,
            pauses: BACKOFF.pauses(),
            deadline: None,
        }
    }

    /// The same, none of them after this moment.
    #[cfg(feature = "memcached")]
    pub(crate) fn until(self, deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
    }

    /// Waits before the next try.
    ///
    /// # Errors
    ///
    /// [`Error::Contention`] if there were enough.
    pub(crate) async fn again(&mut self) -> Result<(), Error> {
        self.tries += 1;
        let pause = if self.tries > AT_ONCE {
            self.pauses.next()
        } else {
            Duration::ZERO
        };
        let late = self
            .deadline
            .is_some_and(|deadline| Instant::now() + pause >= deadline);
        if self.tries >= MOST || late {
            return Err(Error::Contention {
                key: self.key.to_owned(),
                tries: self.tries,
            });
        }
        if !pause.is_zero() {
            timer::sleep(pause).await?;
        }
        Ok(())
    }
}
