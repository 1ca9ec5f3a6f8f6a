//! Hits that are admitted without a call of the store that decides: by units of the clients' quota
//! that it has counted for this process in advance.

use http::request::Parts;

use crate::backend::BackendParts;
use crate::engine::backends::HitBackends;
use crate::engine::batch::Batch;
use crate::engine::hit::ThrottleHit;
use crate::store::lifetime::micros;
use crate::store::outcome::StoreOutcome;

/// The use that an operation makes of leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leasing {
    /// Hits are admitted by leases, and take new ones.
    On,
    /// The store counts each hit, because it is settled later.
    Off,
}

/// Admits hits on one shared store by the leases of their clients. Returns `None` if the store has
/// to be called.
pub(crate) fn admit_by_lease<'a, 'd>(
    hits: &'a [ThrottleHit<'d>],
    backends: &HitBackends<'a>,
    cost: Option<u64>,
    parts: Option<&'a Parts>,
) -> Option<(Batch<'a, 'd>, StoreOutcome)> {
    // Only laws that call no function of the application have leases.
    let has_lease = |hit: &ThrottleHit<'_>, backend: &BackendParts| {
        hit.lease(backend) > 0
            && hit
                .shared_key(backend, cost, parts)
                .is_some_and(|key| backend.store().has_lease(key))
    };
    let batch = Batch::decided_here(hits, backends, (cost, parts), has_lease)?;
    let admitted = batch.admit_by_lease()?;
    Some((batch, admitted))
}

impl ThrottleHit<'_> {
    /// Returns the life of the leases that clients of the throttle have on a backend, in
    /// microseconds; 0 if they have none.
    pub(crate) fn lease(&self, backend: &BackendParts) -> u64 {
        let Some(leases) = backend.store().leases() else {
            return 0;
        };
        let throttle = self.throttle;
        let life = throttle.lease().map_or(leases.default_life(), micros);
        if life > 0 && throttle.compiled().is_leasable {
            life
        } else {
            0
        }
    }
}

impl Batch<'_, '_> {
    /// Admits the plans of a batch on one backend by the leases of their clients. Returns `None` if
    /// the store has to be called, or a policy may decide before it does.
    fn admit_by_lease(&self) -> Option<StoreOutcome> {
        let backend = self.remembering_backend()?;
        // A cost of 0 reports the state of the store.
        if self.plans.iter().any(|plan| plan.cost == 0) {
            return None;
        }
        backend.store().admit_by_lease(&self.plans)
    }

    /// Makes the store decide each plan.
    pub(crate) fn without_leases(&mut self) {
        for plan in &mut self.plans {
            plan.lease = 0;
        }
    }
}
