//! The fast path: one throttle with one rate under a built-in law, on the memory backend.

use http::request::Parts;

use crate::backend::BackendParts;
use crate::backend::backend_ref::{BackendRef, embedded};
use crate::decision::Decision;
use crate::definition::compiled::OnlyLimit;
use crate::engine::hit::{HitRef, ThrottleHit};
use crate::engine::report::Combination;
use crate::identity::Identity;
use crate::observe::Outcome;
use crate::store::key::Key;
use crate::store::memory::Memory;
use crate::store::memory::decide_slots::KeyedHit;
use crate::store::memory::optimistic::{TimedCost, decide_inlined, decider};
use crate::store::plan::Limit;

/// A decision that needed no [`Batch`](crate::engine::batch::Batch).
pub(crate) struct FastDecision<'d> {
    pub(crate) decision: Decision,
    pub(crate) limit: &'d Limit,
    pub(crate) now: u64,
    /// `true` if the backend has a clock of its own.
    pub(crate) has_own_clock: bool,
}

impl FastDecision<'_> {
    /// Returns `true` if the request may go on without a delay.
    #[inline]
    pub(crate) const fn passes_at_once(&self) -> bool {
        self.decision.admitted && self.decision.delay.is_zero()
    }
}

/// Decides a hit. Returns `None` if the hit needs the slow path. Nothing has changed then, and the
/// slow path reports any error.
#[inline(always)]
pub(crate) fn decide<'d>(
    hits: &[ThrottleHit<'d>],
    cost: Option<u64>,
    parts: Option<&Parts>,
) -> Option<FastDecision<'d>> {
    let [hit] = hits else {
        unlikely();
        return None;
    };
    if !hit.applies || hit.rate.is_some() {
        unlikely();
        return None;
    }
    decide_of_request(hit, cost, parts)
}

/// Decides the hit of a request. It is compiled once, for all kinds of requests.
fn decide_of_request<'d>(
    hit: &ThrottleHit<'d>,
    cost: Option<u64>,
    parts: Option<&Parts>,
) -> Option<FastDecision<'d>> {
    decide_one(hit.as_ref(cost, parts), |only| only.decide)
}

/// Decides a hit outside of any request, inlined into its caller.
#[inline(always)]
pub(crate) fn decide_direct(hit: HitRef<'_, '_>) -> Option<Decision> {
    decide_one(hit, |_| decide_inlined).map(|fast| fast.decision)
}

/// Decides the hit of a request that has one throttle, and returns nothing but the decision.
pub(crate) fn decide_ref(hit: HitRef<'_, '_>) -> Option<Decision> {
    decide_one(hit, |only| only.decide).map(|fast| fast.decision)
}

/// Decides a hit under a law that is computed for it, or under several rates. There are no
/// listeners, who get the report on the rate that binds.
#[inline]
pub(crate) fn decide_unlistened(hit: HitRef<'_, '_>, backend: &BackendParts) -> Option<Decision> {
    let compiled = hit.throttle.compiled();
    let (Some(memory), Identity::Client(client)) = (backend.fast_memory(), hit.identity) else {
        return None;
    };
    let key = hit.key(compiled.key, client, backend).ok()?;
    let cost = hit.cost;
    let decision = match (compiled.dynamic_rate(), compiled.fast_limits()) {
        (Some(rate), _) => {
            // Last, because it may call a function of the application.
            let limit = hit.dynamic_limit(rate, client)?;
            let at = backend.store().reading();
            decider(&limit.law)(memory, key, &limit, &TimedCost { at, cost })
        }
        (None, [] | [_]) => return None,
        (None, limits) => {
            let (at, keyed) = (backend.store().reading(), KeyedHit { key, limits, cost });
            let mut reports = Combination::default();
            let admitted = memory.decide_list(&keyed, at, &mut reports)?;
            reports.decision(admitted)
        }
    };
    hit.observe(Outcome::of(decision.admitted), backend, || {
        Some(decision.report())
    });
    Some(decision)
}

/// Decides one hit by the function that is chosen for its limit.
#[inline(always)]
fn decide_one<'d, F>(
    hit: HitRef<'_, 'd>,
    choose: impl FnOnce(&OnlyLimit) -> F,
) -> Option<FastDecision<'d>>
where
    F: Fn(&Memory, Key, &Limit, &TimedCost<'_>) -> Decision,
{
    let default;
    let backend: &BackendParts = match hit.throttle.named_backend(hit.parts) {
        Some(named) => named.parts(),
        None => match embedded() {
            Some(embedded) => embedded.parts(),
            None => {
                default = BackendRef::default();
                &default
            }
        },
    };
    let compiled = hit.throttle.compiled();
    let (Some(only), Some(memory), Identity::Client(client)) =
        (compiled.only_limit(), backend.fast_memory(), hit.identity)
    else {
        unlikely();
        return None;
    };
    let Ok(key) = hit.key(compiled.key, client, backend) else {
        unlikely();
        return None;
    };
    let at = backend.store().reading();
    let timed = TimedCost { at, cost: hit.cost };
    let decision = choose(only)(memory, key, &only.limit, &timed);
    hit.observe(Outcome::of(decision.admitted), backend, || {
        Some(decision.report())
    });
    Some(FastDecision {
        decision,
        limit: &only.limit,
        now: at.now,
        has_own_clock: backend.store().has_own_clock(),
    })
}

/// Marks a branch as unlikely.
#[cold]
#[inline(never)]
fn unlikely() {}
