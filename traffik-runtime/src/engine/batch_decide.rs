//! Decides a batch: in this process if its one backend is here, else through the policies.

use std::time::Duration;

use crate::backend::backend_ref::BackendRef;
use crate::engine::attempt::{DecideAttempt, LookAttempt};
use crate::engine::batch::Batch;
use crate::engine::hold::OutcomeWithHold;
use crate::engine::recovery::resolution::Resolution;
use crate::engine::recovery::resolve::resolve;
use crate::engine::snapshot::Snapshot;
use crate::error::Error;
use crate::observe;
use crate::store::outcome::StoreOutcome;

impl<'a> Batch<'a, '_> {
    /// Decides the plans of a batch that is local. Returns `None` if the backend has been closed.
    pub(crate) fn decide_now(&self) -> Option<StoreOutcome> {
        match &*self.backends {
            [] => Some(StoreOutcome::unlimited(0)),
            [backend] if self.is_closed() => self.refuse_now(backend),
            [backend] => backend.store().decide_local(&self.plans)?.ok(),
            _ => None,
        }
    }

    /// Decides all plans, or applies none.
    pub(crate) async fn decide(&self) -> Result<Resolution<OutcomeWithHold>, Error> {
        match &*self.backends {
            [] => Ok(Resolution::Decided(StoreOutcome::unlimited(0).into())),
            _ if self.is_split() => Box::pin(self.decide_split()).await,
            [backend, ..] => self.decide_on(backend, self.budget()).await,
        }
    }

    /// Decides all plans on one backend.
    pub(crate) async fn decide_on(
        &self,
        backend: &BackendRef<'a>,
        budget: Duration,
    ) -> Result<Resolution<OutcomeWithHold>, Error> {
        if self.is_closed() {
            let refused = Box::pin(self.refuse(backend)).await;
            return Ok(Resolution::Decided(refused.into()));
        }
        let attempt = DecideAttempt {
            batch: self,
            backend,
        };
        let resolution = resolve(&attempt, &self.policies, budget).await;
        if resolution.is_err() {
            for plan in 0..self.plans.len() {
                self.observe_plan(plan, observe::Outcome::Raised, || None);
            }
        }
        resolution
    }

    /// Reads the states of all plans on one backend.
    pub(crate) async fn look_on(
        &self,
        backend: &BackendRef<'a>,
    ) -> Result<Resolution<Snapshot<'a>>, Error> {
        let attempt = LookAttempt {
            batch: self,
            backend,
        };
        resolve(&attempt, &self.policies, self.budget()).await
    }
}
