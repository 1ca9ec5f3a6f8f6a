use std::time::Duration;

use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::on_error::fallback::{Fallback, fallback};
use crate::on_error::policy::Policy;
use crate::resilience::backoff::{Backoff, Jitter};
use crate::resilience::breaker::{CircuitBreaker, SharedBreaker};

/// Asks another backend, and leaves the first one alone while it keeps failing; made by [`failover`].
#[derive(Debug)]
#[must_use]
pub struct Failover {
    pub(crate) breaker: SharedBreaker,
    pub(crate) max_retries: u32,
    pub(crate) backoff: Backoff,
    pub(crate) fallback: Fallback,
}

/// A [`fallback`] behind a [`CircuitBreaker`]: while the breaker is open, the first backend is not called at all, and
/// nobody waits for it.
///
/// Every call of the first backend is told to the breaker, the successful ones too. Connections that fail and answers that
/// do not come are failures; an answer that makes no sense is neither.
///
/// ```
/// use std::time::Duration;
/// use traffik::{Backend, CircuitBreaker, failure::failover};
///
/// static BREAKER: CircuitBreaker = CircuitBreaker::new().recovery(Duration::from_secs(5));
///
/// let policy = failover(Backend::memory()).breaker(&BREAKER).max_retries(2);
/// ```
pub fn failover(backend: impl Into<Backend>) -> Failover {
    Failover {
        breaker: CircuitBreaker::new().into(),
        max_retries: 0,
        backoff: Backoff::exponential(Duration::from_millis(10)).jitter(Jitter::Full),
        fallback: fallback(backend),
    }
}

impl Failover {
    /// The breaker: a `static` by reference, one in an `Arc`, or one of its own. Default: one of its own, with the defaults
    /// of [`CircuitBreaker::new`].
    pub fn breaker(mut self, breaker: impl Into<SharedBreaker>) -> Self {
        self.breaker = breaker.into();
        self
    }

    /// How often the first backend is asked again before the other one is; default 0. Only what certainly did not count is
    /// asked again, and only while the breaker lets it pass.
    pub fn max_retries(mut self, max_retries: u32) -> Self {
        self.max_retries = max_retries;
        self
    }

    /// The first of the pauses before those; default 10 ms.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.backoff = self.backoff.first(delay);
        self
    }

    /// The pauses before those; default 10 ms, doubling, with [`Jitter::Full`].
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Only failures of these kinds are answered by the other backend; see [`Fallback::on`].
    pub fn on(mut self, kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.fallback = self.fallback.on(kinds);
        self
    }

    /// How many processes fail over, each on its own; see [`Fallback::instances`].
    pub fn instances(mut self, instances: u32) -> Self {
        self.fallback = self.fallback.instances(instances);
        self
    }

    /// What decides when the other backend fails too; default [`throttle`](crate::on_error::policy::throttle).
    pub fn then(mut self, policy: impl Into<Policy>) -> Self {
        self.fallback = self.fallback.then(policy);
        self
    }
}
