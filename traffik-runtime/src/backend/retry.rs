//! How often a compare-and-swap is tried again when others were faster.

use std::time::Duration;

use crate::error::Error;
use crate::failure::{Backoff, Jitter, Pauses};

/// Somebody succeeds in every round, so a store that works comes nowhere near this.
const MOST: u32 = 500;

/// The first tries follow each other at once: most conflicts are between two.
const AT_ONCE: u32 = 4;

const BACKOFF: Backoff = Backoff::exponential(Duration::from_micros(200))
    .most(Duration::from_millis(20))
    .jitter(Jitter::Equal);

/// The tries of one operation on one key.
#[derive(Debug)]
pub(crate) struct Retries<'a> {
    key: &'a str,
    tries: u32,
    pauses: Pauses,
}

impl<'a> Retries<'a> {
    pub(crate) const fn of(key: &'a str) -> Self {
        Self {
            key,
            tries: 0,
            pauses: BACKOFF.pauses(),
        }
    }

    /// Waits before the next try.
    ///
    /// # Errors
    ///
    /// [`Error::Contention`] if there were enough.
    pub(crate) async fn again(&mut self) -> Result<(), Error> {
        self.tries += 1;
        if self.tries >= MOST {
            return Err(Error::Contention {
                key: self.key.to_owned(),
                tries: self.tries,
            });
        }
        if self.tries > AT_ONCE {
            tokio::time::sleep(self.pauses.next()).await;
        }
        Ok(())
    }
}
