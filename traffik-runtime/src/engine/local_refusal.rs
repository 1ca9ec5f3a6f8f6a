//! Refusals without a call of the store that decides: by the states that it returned with earlier
//! refusals.

use http::request::Parts;

use crate::backend::backend_ref::BackendRef;
use crate::engine::batch::Batch;
use crate::engine::hit::ThrottleHit;
use crate::identity::Identity;
use crate::store::outcome::StoreOutcome;

/// Refuses hits on one shared store, if that would refuse them. Returns `None` if it has to be
/// called.
pub(crate) fn refuse_locally<'a, 'd>(
    hits: &'a [ThrottleHit<'d>],
    cost: Option<u64>,
    parts: Option<&'a Parts>,
) -> Option<(Batch<'a, 'd>, StoreOutcome)> {
    // Only laws that call no function of the application have states that are remembered. So a
    // batch that is made twice calls such functions once.
    let mut hits_of_request = hits.iter().filter(|hit| hit.applies);
    if !hits_of_request.all(|hit| is_remembered(hit, cost, parts)) {
        return None;
    }
    let batch = Batch::without_names(hits, cost, parts).ok()?;
    if batch.is_split() {
        return None;
    }
    let refused = batch.refuse_locally()?;
    Some((batch, refused))
}

/// Returns `true` if the state of a hit's client is remembered.
fn is_remembered(hit: &ThrottleHit<'_>, cost: Option<u64>, parts: Option<&Parts>) -> bool {
    let Identity::Client(client) = &*hit.identity else {
        return false;
    };
    let backend = hit.backend(parts);
    if backend.store().is_local() {
        return false;
    }
    let key = hit
        .as_ref(cost, parts)
        .key(hit.throttle.key(), client, &backend);
    key.is_ok_and(|key| backend.store().remembers(key))
}

impl<'a> Batch<'a, '_> {
    /// Refuses the plans of a batch on one backend, if its store would refuse them. Returns `None`
    /// if the store has to be called, or a policy may decide before it does.
    pub(crate) fn refuse_locally(&self) -> Option<StoreOutcome> {
        let backend = self.remembering_backend()?;
        backend.store().refuse_locally(&self.plans)
    }

    /// Returns the one backend of a batch, whose store may have answered in advance. Returns `None`
    /// if there are several, or a policy or an operator may decide before it does.
    pub(crate) fn remembering_backend(&self) -> Option<&BackendRef<'a>> {
        let [backend] = &*self.backends else {
            return None;
        };
        if self.is_closed() {
            return None;
        }
        let now = backend.store().now();
        let mut policies = self.policies.iter();
        let is_bypassed = policies.any(|group| group.policy.bypasses_backend(now));
        (!is_bypassed).then_some(backend)
    }
}
