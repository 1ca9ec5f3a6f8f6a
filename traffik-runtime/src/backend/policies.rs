//! Constructors of the policies that call another backend.

use crate::backend::Backend;
use crate::on_error::failover::Failover;
use crate::on_error::fallback::Fallback;

/// Calls another backend when the first one fails: one in memory, or a second server.
///
/// The two backends do not exchange their states. In the period in which the first backend fails, a
/// client may therefore get up to twice its limit. A backend in memory exists once in each process;
/// with [`instances`](Fallback::instances) each process grants its share.
///
/// The first backend decides again as soon as it answers. Hits that a second backend in this
/// process counted meanwhile still matter in this process until they have expired: a client has to
/// be admitted by both backends, so that repeated failures do not admit more.
///
/// ```
/// use traffik::Backend;
/// use traffik::failure::{fallback, raise};
///
/// let policy = fallback(Backend::memory()).instances(4).then(raise());
/// ```
pub fn fallback(backend: impl Into<Backend>) -> Fallback {
    Fallback::new(backend.into().store().clone())
}

/// A [`fallback`] behind a [`CircuitBreaker`](crate::resilience::breaker::CircuitBreaker): while
/// the breaker is open, the first backend is not called, and nobody waits for it.
///
/// The breaker counts every call of the first backend. Failed connections and missing answers count
/// as failures, successful calls as successes; a malformed answer counts as neither.
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
    Failover::new(fallback(backend))
}
