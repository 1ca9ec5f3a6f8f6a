//! The builder of a policy that calls another backend behind a circuit breaker.

use std::time::Duration;

use crate::error::ErrorKind;
use crate::on_error::fallback::Fallback;
use crate::on_error::policy::Policy;
use crate::on_error::step::{FailoverStep, Step};
use crate::resilience::backoff::{Backoff, Jitter};
use crate::resilience::breaker::{CircuitBreaker, SharedBreaker};

/// Calls another backend, and does not call the first one while it keeps failing; made by
/// [`failover`](crate::backend::failover).
#[derive(Debug)]
#[must_use]
pub struct Failover {
    breaker: SharedBreaker,
    max_retries: u32,
    backoff: Backoff,
    fallback: Fallback,
}

impl Failover {
    /// A failover to the store of this fallback, behind a breaker of its own.
    pub(crate) fn new(fallback: Fallback) -> Self {
        Self {
            breaker: CircuitBreaker::new().into(),
            max_retries: 0,
            backoff: Backoff::exponential(Duration::from_millis(10)).jitter(Jitter::Full),
            fallback,
        }
    }

    /// Sets the breaker: a `static` by reference, or one in an `Arc`, which several policies share,
    /// or a value. Default: a breaker of its own with the defaults of [`CircuitBreaker::new`].
    pub fn breaker(mut self, breaker: impl Into<SharedBreaker>) -> Self {
        self.breaker = breaker.into();
        self
    }

    /// Sets the number of retries on the first backend before the other one is called; default 0.
    ///
    /// Only a hit that certainly did not count is sent again, and only while the breaker is closed.
    pub fn max_retries(mut self, max_retries: u32) -> Self {
        self.max_retries = max_retries;
        self
    }

    /// Sets the pause before the first retry; default 10 ms.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.backoff = self.backoff.first(delay);
        self
    }

    /// Sets the pauses before the retries; default 10 ms, doubling, with [`Jitter::Full`].
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Calls the other backend only after errors of these kinds; see [`Fallback::on`].
    pub fn on(mut self, kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.fallback = self.fallback.on(kinds);
        self
    }

    /// Sets the number of processes that fail over independently of each other; see
    /// [`Fallback::instances`].
    pub fn instances(mut self, instances: u32) -> Self {
        self.fallback = self.fallback.instances(instances);
        self
    }

    /// Sets the policy that applies if the other backend fails too; default
    /// [`throttle`](crate::on_error::policy::throttle).
    pub fn then(mut self, policy: impl Into<Policy>) -> Self {
        self.fallback = self.fallback.then(policy);
        self
    }
}

impl From<Failover> for Policy {
    fn from(failover: Failover) -> Self {
        let (fallback, then) = failover.fallback.into_parts();
        let step = FailoverStep {
            breaker: failover.breaker,
            max_retries: failover.max_retries,
            backoff: failover.backoff,
            fallback,
        };
        then.after(Step::Failover(step.into()))
    }
}
