//! The builder of a policy that calls another backend.

use std::sync::Arc;

use crate::error::ErrorKind;
use crate::on_error::error_kinds::ErrorKinds;
use crate::on_error::policy::{Policy, throttle};
use crate::on_error::step::{FallbackStep, Step};
use crate::store::handle::StoreHandle;

/// Calls another backend; made by [`fallback`](crate::backend::fallback).
#[derive(Debug)]
#[must_use]
pub struct Fallback {
    step: FallbackStep,
    then: Policy,
}

impl Fallback {
    /// A fallback to this store.
    pub(crate) const fn new(store: Arc<StoreHandle>) -> Self {
        Self {
            step: FallbackStep::new(store),
            then: throttle(),
        }
    }

    /// Calls the other backend only after errors of these kinds; default: `Connection`, `Timeout`
    /// and `Contention`.
    pub fn on(mut self, kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.step.on = ErrorKinds::new(kinds);
        self
    }

    /// Sets the number of processes that fall back independently of each other; default 1.
    ///
    /// The limit of each rate is divided by it, rounded down, and is at least 1. The other
    /// parameters of a strategy, such as an explicit burst, are not divided.
    pub fn instances(mut self, instances: u32) -> Self {
        self.step.instances = instances.max(1);
        self
    }

    /// Sets the policy that applies if the other backend fails too, or if the error is of another
    /// kind; default [`throttle`](crate::on_error::policy::throttle).
    pub fn then(mut self, policy: impl Into<Policy>) -> Self {
        self.then = policy.into();
        self
    }

    /// Splits the builder into its step and the policy behind it.
    pub(crate) fn into_parts(self) -> (FallbackStep, Policy) {
        (self.step, self.then)
    }
}

impl From<Fallback> for Policy {
    fn from(fallback: Fallback) -> Self {
        fallback.then.after(Step::Fallback(fallback.step.into()))
    }
}
