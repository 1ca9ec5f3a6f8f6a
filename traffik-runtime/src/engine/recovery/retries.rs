//! Retries of the first backend, with pauses between them.

use std::time::Duration;

use crate::engine::recovery::attempt::Attempt;
use crate::engine::recovery::resolution::PolicyGroup;
use crate::engine::recovery::run::Run;
use crate::error::Error;
use crate::resilience::backoff::Backoff;
use crate::{observe, timer};

/// The retries that a policy allows.
#[derive(Clone, Copy)]
pub(super) struct Retries<'p> {
    pub(super) max: u32,
    /// `true` if a retry may have to wait for its answer like the first attempt.
    pub(super) may_wait: bool,
    /// The number of attempts after the retries that may wait.
    pub(super) later: u32,
    pub(super) backoff: &'p Backoff,
}

impl<A: Attempt> Run<'_, A> {
    /// Retries the first backend while errors are of a kind to be retried. Returns the latest
    /// error, if there was a retry.
    pub(super) async fn retry(
        &self,
        group: &PolicyGroup<'_>,
        retries: Retries<'_>,
        first: &Error,
        is_retried: impl Fn(&Error) -> bool,
    ) -> Result<A::Output, Option<Error>> {
        let mut latest = None;
        for retry in 0..retries.max {
            let error = latest.as_ref().unwrap_or(first);
            if !is_retried(error) || !self.pause(retries.backoff.delay(retry)).await {
                break;
            }
            observe::retried(self.uid(group), self.label(group), self.kind());
            let more = if retries.may_wait {
                retries.max - retry - 1
            } else {
                0
            };
            match self.try_first(more + retries.later).await {
                Ok(output) => return Ok(output),
                Err(error) => {
                    observe::backend_failed(self.kind(), &error);
                    latest = Some(error);
                }
            }
        }
        Err(latest)
    }

    /// Sleeps for a pause. Returns `false`, at once, if no time would be left after it.
    async fn pause(&self, pause: Duration) -> bool {
        if self.time_left().is_some_and(|left| left <= pause) {
            return false;
        }
        pause.is_zero() || timer::sleep(pause).await.is_ok()
    }
}
