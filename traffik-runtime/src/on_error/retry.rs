use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::on_error::error_kinds::Kinds;
use crate::on_error::policy::Policy;
use crate::resilience::backoff::{Backoff, Jitter};

/// Asks the backend again; made by [`retry`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Retry {
    pub(crate) max_retries: u32,
    pub(crate) backoff: Backoff,
    pub(crate) on: Kinds,
    pub(crate) twice: bool,
    pub(crate) then: Policy,
}

/// Asks the backend again, so many times at most and never beyond the [time](crate::backend::Backend::timeout) that the
/// decision has, of which pauses are a part.
///
/// What was sent and not answered may have counted. It is not asked again, for then it might count twice; unless you
/// [say so](Retry::even_if_it_may_have_counted).
///
/// ```
/// use std::time::Duration;
/// use traffik::failure::{allow, retry};
///
/// let policy = retry(3).delay(Duration::from_millis(10)).multiplier(2.0).then(allow());
/// ```
pub const fn retry(max_retries: u32) -> Retry {
    Retry {
        max_retries,
        backoff: Backoff::exponential(Duration::from_millis(20)).jitter(Jitter::Full),
        on: Kinds::ALL,
        twice: false,
        then: crate::on_error::policy::throttle(),
    }
}

impl Retry {
    /// The pause before the first retry; default 20 ms.
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.backoff = self.backoff.first(delay);
        self
    }

    /// Each pause is so many times the one before; default 2.
    pub const fn multiplier(mut self, multiplier: f64) -> Self {
        self.backoff = self.backoff.multiplier(multiplier);
        self
    }

    /// How much of a pause is left to chance; default [`Jitter::Full`].
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.backoff = self.backoff.jitter(jitter);
        self
    }

    /// The pauses, all at once.
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Only failures of these kinds are followed by a retry; default: `Connection`, `Timeout` and `Contention`. What timed
    /// out may have counted, so `Timeout` needs [`even_if_it_may_have_counted`](Self::even_if_it_may_have_counted).
    pub fn on(mut self, kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.on = Kinds::of(kinds);
        self
    }

    /// Asks again even where the backend may have counted the hit, or may still: one request is then counted up to
    /// `max_retries` times more than it should be. Never is more admitted for it; clients are refused too early.
    pub const fn even_if_it_may_have_counted(mut self) -> Self {
        self.twice = true;
        self
    }

    /// What decides when all was in vain; default [`throttle`](crate::on_error::policy::throttle).
    pub fn then(mut self, policy: impl Into<Policy>) -> Self {
        self.then = policy.into();
        self
    }

    pub(crate) fn takes(&self, error: &Error) -> bool {
        let harmless = self.twice || !error.may_have_counted();
        harmless && self.on.takes(error) && !error.is_open_circuit()
    }

    /// How many times the same may be waited for once more.
    pub(crate) fn turns(&self) -> u32 {
        let waits = self.twice && self.on.has(ErrorKind::Timeout);
        if waits { self.max_retries } else { 0 }
    }
}
