//! A policy of any kind.

use std::sync::Arc;
use std::time::Duration;

use crate::on_error::failover::Failover;
use crate::on_error::fallback::Fallback;
use crate::on_error::handler::{Erased, OnError};
use crate::on_error::retry::Retry;

/// What `on_error` takes: [`allow`], [`throttle`], [`raise`], a [`Retry`], a [`Fallback`], a [`Failover`] or a handler of
/// yours. Clones share what a policy has found out.
#[derive(Clone, Debug)]
pub struct Policy(pub(crate) Step);

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Allow,
    /// For this time, else for the throttle's own.
    Throttle(Option<Duration>),
    Raise,
    Retry(Arc<Retry>),
    Fallback(Arc<Fallback>),
    Failover(Arc<Failover>),
    Own(Arc<dyn Erased>),
}

/// Admits what the backend fails to decide, and counts nothing.
pub const fn allow() -> Policy {
    Policy(Step::Allow)
}

/// Refuses what the backend fails to decide, with 429 for HTTP, for a second. This is the default.
pub const fn throttle() -> Policy {
    Policy(Step::Throttle(None))
}

/// The same for another time: after it a client is told to come back.
pub const fn throttle_for(wait: Duration) -> Policy {
    Policy(Step::Throttle(Some(wait)))
}

/// Makes an error of what the backend fails to decide: 503 for HTTP, the error itself for direct use.
pub const fn raise() -> Policy {
    Policy(Step::Raise)
}

/// A handler of yours, as a policy; [`Policy::from`] makes the same.
pub fn own(handler: impl OnError) -> Policy {
    Policy(Step::Own(Arc::new(handler)))
}

impl Policy {
    /// What decides where this has no answer.
    pub(crate) fn then(&self) -> Option<&Self> {
        match &self.0 {
            Step::Allow | Step::Throttle(_) | Step::Raise | Step::Own(_) => None,
            Step::Retry(retry) => Some(&retry.then),
            Step::Fallback(fallback) => Some(&fallback.then),
            Step::Failover(failover) => Some(&failover.fallback.then),
        }
    }

    /// This, what decides where this has no answer, and so on.
    pub(crate) fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |policy| policy.then())
    }

    /// Whether it may keep a hit from its backend.
    pub(crate) fn stands_before(&self) -> bool {
        self.chain()
            .any(|policy| matches!(policy.0, Step::Failover(_) | Step::Fallback(_)))
    }

    /// Whether both are one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Step::Allow, Step::Allow) | (Step::Raise, Step::Raise) => true,
            (Step::Throttle(one), Step::Throttle(other)) => one == other,
            (Step::Retry(one), Step::Retry(other)) => Arc::ptr_eq(one, other),
            (Step::Fallback(one), Step::Fallback(other)) => Arc::ptr_eq(one, other),
            (Step::Failover(one), Step::Failover(other)) => Arc::ptr_eq(one, other),
            (Step::Own(one), Step::Own(other)) => Arc::ptr_eq(one, other),
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
        own(handler)
    }
}

impl From<Retry> for Policy {
    fn from(retry: Retry) -> Self {
        Self(Step::Retry(Arc::new(retry)))
    }
}

impl From<Fallback> for Policy {
    fn from(fallback: Fallback) -> Self {
        Self(Step::Fallback(Arc::new(fallback)))
    }
}

impl From<Failover> for Policy {
    fn from(failover: Failover) -> Self {
        Self(Step::Failover(Arc::new(failover)))
    }
}
