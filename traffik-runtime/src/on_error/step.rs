//! The steps of a policy: retries, a fallback, a failover.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::on_error::error_kinds::ErrorKinds;
use crate::resilience::backoff::Backoff;
use crate::resilience::breaker::SharedBreaker;
use crate::store::handle::StoreHandle;

/// An attempt to get a decision from a store after the first attempt has failed.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Retry(Arc<RetryStep>),
    Fallback(Arc<FallbackStep>),
    Failover(Arc<FailoverStep>),
}

impl Step {
    /// Returns the fallback of this step, if it has one.
    pub(crate) fn fallback(&self) -> Option<&FallbackStep> {
        match self {
            Self::Retry(_) => None,
            Self::Fallback(fallback) => Some(fallback),
            Self::Failover(failover) => Some(&failover.fallback),
        }
    }

    /// Returns `true` if a breaker does not let all hits at this time pass to the first store, or
    /// if hits that the fallback counted may matter.
    pub(crate) fn bypasses_backend(&self, now: u64) -> bool {
        let is_open = match self {
            Self::Failover(failover) => !failover.breaker.get().is_closed_at(now),
            Self::Retry(_) | Self::Fallback(_) => false,
        };
        is_open || self.fallback().is_some_and(FallbackStep::is_warm)
    }

    /// Returns the number of attempts of this step that may have to be waited for.
    pub(crate) fn blocking_attempts(&self) -> u32 {
        match self {
            Self::Retry(retry) => retry.blocking_attempts(),
            Self::Fallback(fallback) => fallback.blocking_attempts(),
            Self::Failover(failover) => failover.fallback.blocking_attempts(),
        }
    }
}

/// Calls the first store again.
#[derive(Clone, Debug)]
pub(crate) struct RetryStep {
    pub(crate) max_retries: u32,
    pub(crate) backoff: Backoff,
    pub(crate) on: ErrorKinds,
    /// Set if a hit that may have counted is sent again.
    pub(crate) even_if_counted: bool,
}

impl RetryStep {
    /// Returns `true` if an error is followed by a retry.
    pub(crate) fn retries(&self, error: &Error) -> bool {
        let is_safe = self.even_if_counted || !error.may_have_counted();
        is_safe && self.on.matches(error) && !error.is_open_circuit()
    }

    /// Returns the number of retries that may have to be waited for: those after a timeout.
    pub(crate) fn blocking_attempts(&self) -> u32 {
        let waits = self.even_if_counted && self.on.contains(ErrorKind::Timeout);
        if waits { self.max_retries } else { 0 }
    }
}

/// Calls another store.
#[derive(Debug)]
pub(crate) struct FallbackStep {
    pub(crate) store: Arc<StoreHandle>,
    pub(crate) on: ErrorKinds,
    /// The number of processes among which each limit is divided.
    pub(crate) instances: u32,
    /// The microsecond since 1970 until which hits that the other store counted may matter.
    warm_until: AtomicU64,
}

impl FallbackStep {
    /// A fallback after errors of every kind, for one process.
    pub(crate) const fn new(store: Arc<StoreHandle>) -> Self {
        Self {
            store,
            on: ErrorKinds::ALL,
            instances: 1,
            warm_until: AtomicU64::new(0),
        }
    }

    /// Returns `true` while hits that the other store counted may matter.
    pub(crate) fn is_warm(&self) -> bool {
        self.warm_until.load(Ordering::Relaxed) > self.store.now()
    }

    /// Records that the other store counted a hit, which matters for this long.
    pub(crate) fn keep_warm(&self, retention: Duration) {
        let retention = u64::try_from(retention.as_micros()).unwrap_or(u64::MAX);
        let until = self.store.now().saturating_add(retention);
        self.warm_until.fetch_max(until, Ordering::Relaxed);
    }

    /// Returns the number of attempts that may have to be waited for.
    pub(crate) fn blocking_attempts(&self) -> u32 {
        u32::from(!self.store.is_local())
    }
}

/// Calls the first store again while a breaker allows it, then another one.
#[derive(Debug)]
pub(crate) struct FailoverStep {
    pub(crate) breaker: SharedBreaker,
    pub(crate) max_retries: u32,
    pub(crate) backoff: Backoff,
    pub(crate) fallback: FallbackStep,
}
