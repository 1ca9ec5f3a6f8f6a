//! The fast path: one throttle with one rate under a built-in law, on the memory backend.

use http::request::Parts;

use crate::backend::backend_ref::BackendRef;
use crate::decision::Report;
use crate::definition::compiled::Compiled;
use crate::definition::registry::overrides::ActiveOverride;
use crate::engine::hit::ThrottleHit;
use crate::identity::Identity;
use crate::observe::Outcome;
use crate::rate::Rate;
use crate::store::key::Key;
use crate::store::memory::optimistic::TimedCost;
use crate::store::plan::Limit;

/// A decision that needed no [`Batch`](crate::engine::batch::Batch). The law's report is beside it.
pub(crate) struct FastDecision {
    pub(crate) fits: bool,
    pub(crate) rate: Rate,
    /// The limit in force, which header fields report.
    pub(crate) quota: u64,
    pub(crate) now: u64,
    /// `true` if the backend has a clock of its own.
    pub(crate) has_own_clock: bool,
}

/// Decides a hit, and writes the law's report in place. Returns `None` if the hit needs the slow
/// path. Nothing has changed then, and the slow path reports any error.
#[inline(always)]
pub(crate) fn decide(
    hits: &[ThrottleHit<'_>],
    cost: Option<u64>,
    parts: Option<&Parts>,
    report: &mut Option<Report>,
) -> Option<FastDecision> {
    let [hit] = hits else {
        return cold_none();
    };
    if !hit.applies {
        return cold_none();
    }
    let cost = cost.unwrap_or(hit.cost);
    decide_one(hit, cost, parts, report)
}

/// Decides one hit. It is compiled once, for all kinds of requests.
fn decide_one(
    hit: &ThrottleHit<'_>,
    cost: u64,
    parts: Option<&Parts>,
    report: &mut Option<Report>,
) -> Option<FastDecision> {
    let compiled = hit.throttle.compiled();
    if let Some(change) = compiled.active_override() {
        return decide_changed(hit, cost, parts, compiled, &change, report);
    }
    match compiled.only_limit() {
        Some(limit) => decide_by(limit, hit, cost, parts, compiled.key, report),
        None => cold_none(),
    }
}

#[cold]
fn decide_changed(
    hit: &ThrottleHit<'_>,
    cost: u64,
    parts: Option<&Parts>,
    compiled: &Compiled,
    change: &ActiveOverride,
    report: &mut Option<Report>,
) -> Option<FastDecision> {
    let limit = compiled.only_limit_of(change)?;
    decide_by(limit, hit, cost, parts, compiled.key, report)
}

#[inline(always)]
fn decide_by(
    limit: &Limit,
    hit: &ThrottleHit<'_>,
    cost: u64,
    parts: Option<&Parts>,
    throttle_key: Key,
    report: &mut Option<Report>,
) -> Option<FastDecision> {
    let (Identity::Client(client), None) = (&*hit.identity, hit.rate) else {
        return cold_none();
    };
    let default;
    let backend = match hit.throttle.named_backend(parts) {
        Some(named) => named.parts(),
        None => {
            default = BackendRef::default();
            &*default
        }
    };
    let Some(memory) = backend.fast_memory() else {
        return cold_none();
    };
    let Ok(key) = hit.key(throttle_key, client, parts, backend) else {
        return cold_none();
    };
    let at = backend.store().reading();
    let fits = memory.decide_one(key, limit, TimedCost { at, cost }, report);
    hit.observe(Outcome::of(fits), cost, parts, backend, || *report);
    let quota = report.map_or(0, |report| limit.law.quota(limit.rate, &report));
    Some(FastDecision {
        fits,
        rate: limit.rate,
        quota,
        now: at.now,
        has_own_clock: backend.store().has_own_clock(),
    })
}

/// Returns `None`, and marks the branch as unlikely.
#[cold]
#[inline(never)]
fn cold_none<T>() -> Option<T> {
    None
}
