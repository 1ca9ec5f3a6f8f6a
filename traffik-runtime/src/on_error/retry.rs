//! The builder of a policy that calls the backend again.

use std::time::Duration;

use crate::error::ErrorKind;
use crate::on_error::error_kinds::ErrorKinds;
use crate::on_error::policy::{Policy, throttle};
use crate::on_error::step::{RetryStep, Step};
use crate::resilience::backoff::{Backoff, Jitter};

/// Calls the backend again; made by [`retry`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Retry {
    step: RetryStep,
    then: Policy,
}

/// Calls the backend again, at most `max_retries` times, and never beyond the
/// [time](crate::backend::Backend::timeout) of the decision, of which the pauses are a part.
///
/// A hit that was sent and not answered may have counted. It is not sent again, because it might
/// count twice, unless [`even_if_it_may_have_counted`](Retry::even_if_it_may_have_counted) is set.
///
/// ```
/// use std::time::Duration;
/// use traffik::failure::{allow, retry};
///
/// let policy = retry(3).delay(Duration::from_millis(10)).multiplier(2.0).then(allow());
/// ```
pub const fn retry(max_retries: u32) -> Retry {
    Retry {
        step: RetryStep {
            max_retries,
            backoff: Backoff::exponential(Duration::from_millis(20)).jitter(Jitter::Full),
            on: ErrorKinds::ALL,
            even_if_counted: false,
        },
        then: throttle(),
    }
}

impl Retry {
    /// Sets the pause before the first retry; default 20 ms.
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.step.backoff = self.step.backoff.first(delay);
        self
    }

    /// Sets the factor by which each pause is longer than the one before; default 2.
    pub const fn multiplier(mut self, multiplier: f64) -> Self {
        self.step.backoff = self.step.backoff.multiplier(multiplier);
        self
    }

    /// Sets the part of each pause that is random; default [`Jitter::Full`].
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.step.backoff = self.step.backoff.jitter(jitter);
        self
    }

    /// Sets all properties of the pauses at once.
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.step.backoff = backoff;
        self
    }

    /// Retries only after errors of these kinds; default: `Connection`, `Timeout` and `Contention`.
    ///
    /// A hit that timed out may have counted, so `Timeout` also needs
    /// [`even_if_it_may_have_counted`](Self::even_if_it_may_have_counted).
    pub fn on(mut self, kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.step.on = ErrorKinds::new(kinds);
        self
    }

    /// Retries even if the backend may have counted the hit, or may still count it.
    ///
    /// One request is then counted up to `max_retries` times more than it should be. This never
    /// over-admits; clients may be refused too early.
    pub const fn even_if_it_may_have_counted(mut self) -> Self {
        self.step.even_if_counted = true;
        self
    }

    /// Sets the policy that applies if every retry fails; default
    /// [`throttle`](crate::on_error::policy::throttle).
    pub fn then(mut self, policy: impl Into<Policy>) -> Self {
        self.then = policy.into();
        self
    }
}

impl From<Retry> for Policy {
    fn from(retry: Retry) -> Self {
        retry.then.after(Step::Retry(retry.step.into()))
    }
}
