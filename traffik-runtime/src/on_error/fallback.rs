use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::on_error::error_kinds::Kinds;
use crate::on_error::policy::Policy;

/// Asks another backend; made by [`fallback`].
#[derive(Debug)]
#[must_use]
pub struct Fallback {
    pub(crate) backend: Backend,
    pub(crate) on: Kinds,
    pub(crate) instances: u32,
    pub(crate) then: Policy,
    warm: Warm,
}

/// Asks another backend when the first one fails: the embedded one, or a second server.
///
/// The two do not know of each other. What a client had used up on the first, the second does not know, so that in the
/// period in which the first goes away a client may get up to twice its limit. A second backend in this process is one for
/// each process: with [`instances`](Fallback::instances) each grants its share.
///
/// When the first is back it decides again. What was taken from a second one in this process meanwhile still holds here
/// until it has run out: a client has to be admitted by both, so that going back and forth gives nobody more.
///
/// ```
/// use traffik::Backend;
/// use traffik::failure::{fallback, raise};
///
/// let policy = fallback(Backend::memory()).instances(4).then(raise());
/// ```
pub fn fallback(backend: impl Into<Backend>) -> Fallback {
    Fallback {
        backend: backend.into(),
        on: Kinds::ALL,
        instances: 1,
        then: crate::on_error::policy::throttle(),
        warm: Warm::default(),
    }
}

impl Fallback {
    /// Only failures of these kinds are answered by the other backend; default: `Connection`, `Timeout` and `Contention`.
    pub fn on(mut self, kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.on = Kinds::of(kinds);
        self
    }

    /// How many processes fall back, each on its own: a rate's limit is divided by this, rounded down, and at least 1.
    /// What else a strategy is set to, such as a burst that you wrote, stays as it is. Default 1.
    pub fn instances(mut self, instances: u32) -> Self {
        self.instances = instances.max(1);
        self
    }

    /// What decides when the other backend fails too, or the failure is of another kind; default
    /// [`throttle`](crate::on_error::policy::throttle).
    pub fn then(mut self, policy: impl Into<Policy>) -> Self {
        self.then = policy.into();
        self
    }

    /// Whether what was taken from it may still hold.
    pub(crate) fn is_warm(&self) -> bool {
        self.warm.until() > self.backend.now()
    }

    /// Something was taken that is forgotten after this time.
    pub(crate) fn taken(&self, resets: Duration) {
        let resets = u64::try_from(resets.as_micros()).unwrap_or(u64::MAX);
        self.warm.extend(self.backend.now().saturating_add(resets));
    }

    /// How many times something other than the first backend may have to be waited for.
    pub(crate) fn turns(&self) -> u32 {
        u32::from(!self.backend.is_here())
    }
}

/// Until when, in microseconds since 1970, what was taken from a fallback may hold.
#[derive(Debug, Default)]
struct Warm(AtomicU64);

impl Warm {
    fn until(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn extend(&self, until: u64) {
        self.0.fetch_max(until, Ordering::Relaxed);
    }
}
