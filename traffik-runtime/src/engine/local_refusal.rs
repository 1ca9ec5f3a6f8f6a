//! Refusals without a call of the store that decides: by the states that it returned with earlier
//! refusals.

use http::request::Parts;

use crate::backend::BackendParts;
use crate::backend::backend_ref::BackendRef;
use crate::engine::backends::HitBackends;
use crate::engine::batch::Batch;
use crate::engine::hit::ThrottleHit;
use crate::identity::Identity;
use crate::store::key::Key;
use crate::store::outcome::StoreOutcome;

/// Refuses hits on one shared store, if that would refuse them. Returns `None` if it has to be
/// called.
pub(crate) fn refuse_locally<'a, 'd>(
    hits: &'a [ThrottleHit<'d>],
    backends: &HitBackends<'a>,
    cost: Option<u64>,
    parts: Option<&'a Parts>,
) -> Option<(Batch<'a, 'd>, StoreOutcome)> {
    // Only laws that call no function of the application have states that are remembered.
    let is_remembered = |hit: &ThrottleHit<'_>, backend: &BackendParts| {
        let key = hit.shared_key(backend, cost, parts);
        key.is_some_and(|key| backend.store().remembers(key))
    };
    let batch = Batch::decided_here(hits, backends, (cost, parts), is_remembered)?;
    let refused = batch.refuse_locally()?;
    Some((batch, refused))
}

impl ThrottleHit<'_> {
    /// Returns the key of the state that the client of a hit has on a shared store.
    pub(crate) fn shared_key(
        &self,
        backend: &BackendParts,
        cost: Option<u64>,
        parts: Option<&Parts>,
    ) -> Option<Key> {
        let Identity::Client(client) = &*self.identity else {
            return None;
        };
        if backend.store().is_local() {
            return None;
        }
        let hit = self.as_ref(cost, parts);
        hit.key(self.throttle.key(), client, backend).ok()
    }
}

impl<'a, 'd> Batch<'a, 'd> {
    /// Returns the batch of hits that this process may decide without a call of their store: all
    /// pass this test, and have one backend. A batch that is made again later calls no function of
    /// the application twice, because the laws of such hits call none.
    pub(crate) fn decided_here(
        hits: &'a [ThrottleHit<'d>],
        backends: &HitBackends<'a>,
        (cost, parts): (Option<u64>, Option<&'a Parts>),
        is_decidable: impl Fn(&ThrottleHit<'d>, &BackendParts) -> bool,
    ) -> Option<Self> {
        let mut hits_of_request = hits.iter().enumerate().filter(|(_, hit)| hit.applies);
        if !hits_of_request.all(|(index, hit)| is_decidable(hit, backends.of_hit(index))) {
            return None;
        }
        let batch = Self::without_names(hits, backends.clone(), cost, parts).ok()?;
        (!batch.is_split()).then_some(batch)
    }
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
        if self.stores.len() > 1 {
            return None;
        }
        let backend = self.first_backend()?;
        if self.is_closed() {
            return None;
        }
        let now = backend.store().now();
        let mut policies = self.policies.iter();
        let is_bypassed = policies.any(|group| group.policy.bypasses_backend(now));
        (!is_bypassed).then_some(backend)
    }
}
