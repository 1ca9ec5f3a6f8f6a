//! The policy of a throttle or backend for failures: steps, and a last resort.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use crate::on_error::handler::{DynOnError, OnError};
use crate::on_error::step::Step;

/// The value of `on_error`: [`allow`], [`throttle`], [`raise`], a [`Retry`], a [`Fallback`], a
/// [`Failover`] or a handler of your own.
///
/// Clones share the state of a policy, such as its breaker.
///
/// [`Failover`]: crate::on_error::failover::Failover
/// [`Fallback`]: crate::on_error::fallback::Fallback
/// [`Retry`]: crate::on_error::retry::Retry
#[derive(Clone, Debug)]
pub struct Policy {
    /// `None` for a policy without steps.
    steps: Option<Arc<[Step]>>,
    last_resort: LastResort,
}

/// The verdict on hits that no step of a policy gets a decision for.
#[derive(Clone, Debug)]
pub(crate) enum LastResort {
    Allow,
    /// Refuses for this time, otherwise for the throttle's own.
    Throttle(Option<Duration>),
    Raise,
    Custom(Arc<dyn DynOnError>),
}

/// Admits a hit that the backend fails to decide, and counts nothing.
pub const fn allow() -> Policy {
    Policy::new(LastResort::Allow)
}

/// Refuses a hit that the backend fails to decide, with 429 for HTTP, for a second. This is the
/// default.
pub const fn throttle() -> Policy {
    Policy::new(LastResort::Throttle(None))
}

/// Refuses a hit that the backend fails to decide, and tells the client to come back after `wait`.
pub const fn throttle_for(wait: Duration) -> Policy {
    Policy::new(LastResort::Throttle(Some(wait)))
}

/// Returns an error for a hit that the backend fails to decide: 503 for HTTP, the error itself for
/// direct use.
pub const fn raise() -> Policy {
    Policy::new(LastResort::Raise)
}

/// Makes a policy of a handler of your own, as [`Policy::from`] does.
pub fn custom(handler: impl OnError) -> Policy {
    Policy::new(LastResort::Custom(Arc::new(handler)))
}

impl Policy {
    const fn new(last_resort: LastResort) -> Self {
        Self {
            steps: None,
            last_resort,
        }
    }

    /// Returns this policy behind another step.
    pub(crate) fn after(self, step: Step) -> Self {
        let steps = iter::once(step).chain(self.steps().iter().cloned());
        Self {
            steps: Some(steps.collect()),
            last_resort: self.last_resort,
        }
    }

    /// Returns the steps, in their order.
    pub(crate) fn steps(&self) -> &[Step] {
        self.steps.as_deref().unwrap_or_default()
    }

    /// Returns the verdict behind the steps.
    pub(crate) const fn last_resort(&self) -> &LastResort {
        &self.last_resort
    }

    /// Returns `true` if a hit may be decided without a call of its backend: by a breaker that is
    /// open, or by a fallback that counted earlier hits.
    pub(crate) fn may_bypass_backend(&self) -> bool {
        let mut steps = self.steps().iter();
        steps.any(|step| matches!(step, Step::Failover(_) | Step::Fallback(_)))
    }

    /// Returns `true` if a hit at this time, by the backend's clock, may be decided without a call
    /// of its backend.
    pub(crate) fn bypasses_backend(&self, now: u64) -> bool {
        let mut steps = self.steps().iter();
        steps.any(|step| step.bypasses_backend(now))
    }

    /// Returns `true` if both are clones of one policy, or without steps and equal.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.steps, &other.steps) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => self.last_resort.is(&other.last_resort),
            _ => false,
        }
    }
}

impl LastResort {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Allow, Self::Allow) | (Self::Raise, Self::Raise) => true,
            (Self::Throttle(one), Self::Throttle(other)) => one == other,
            (Self::Custom(one), Self::Custom(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        throttle()
    }
}

impl<H: OnError> From<H> for Policy {
    fn from(handler: H) -> Self {
        custom(handler)
    }
}
