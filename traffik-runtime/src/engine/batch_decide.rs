//! Decides a batch: in this process if its one backend is here, else through the policies.

use std::time::Duration;

use crate::backend::backend_ref::BackendRef;
use crate::decision::Provenance;
use crate::engine::attempt::{DecideAttempt, LookAttempt};
use crate::engine::batch::Batch;
use crate::engine::hold::OutcomeWithHold;
use crate::engine::recovery::resolution::Resolution;
use crate::engine::recovery::resolve::{recover, resolve};
use crate::engine::snapshot::Snapshot;
use crate::error::Error;
use crate::observe;
use crate::store::outcome::StoreOutcome;

impl<'a> Batch<'a, '_> {
    /// Decides the plans of a batch that is [local](crate::engine::batch::is_local).
    ///
    /// # Errors
    ///
    /// If something has to be awaited: a store or a policy. `Some` is the error of a store of this
    /// process, about which the policies decide.
    pub(crate) fn decide_now(&self) -> Result<StoreOutcome, Option<Error>> {
        let Some(backend) = self.first_backend() else {
            return Ok(StoreOutcome::unlimited(0));
        };
        if self.is_closed() {
            return self.refuse_now(backend).ok_or(None);
        }
        match backend.store().decide_local(&self.plans) {
            Some(decided) => decided.map_err(Some),
            None => Err(None),
        }
    }

    /// Decides all plans, or applies none. The first attempt is not repeated if it has failed
    /// already.
    pub(crate) async fn decide(
        &self,
        failed: Option<Error>,
    ) -> Result<Resolution<OutcomeWithHold>, Error> {
        match self.first_backend() {
            None => Ok(Resolution::Decided(StoreOutcome::unlimited(0).into())),
            _ if self.is_split() => Box::pin(self.decide_split()).await,
            Some(backend) => self.decide_on(backend, self.budget(), failed).await,
        }
    }

    /// Decides all plans on one backend, or lets the policies decide if it has failed already.
    pub(crate) async fn decide_on(
        &self,
        backend: &BackendRef<'a>,
        budget: Duration,
        failed: Option<Error>,
    ) -> Result<Resolution<OutcomeWithHold>, Error> {
        if self.is_closed() {
            let refused = Box::pin(self.refuse(backend)).await;
            return Ok(Resolution::Decided(refused.into()));
        }
        let attempt = DecideAttempt {
            batch: self,
            backend,
        };
        let resolution = match failed {
            None => resolve(&attempt, &self.policies, budget).await,
            Some(error) => recover(&attempt, &self.policies, budget, error).await,
        };
        if resolution.is_err() {
            for plan in 0..self.plans.len() {
                let raised = observe::Outcome::Raised;
                self.observe_plan(plan, raised, Provenance::Fallback, || None);
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
