//! The engine: hits in, decisions out.
//!
//! It has three operations. `decide` counts the hits of a request, on all throttles or on none;
//! `reserve` does so and returns what it takes to settle them; `look` reads states and counts
//! nothing (`would_admit` is a look with a question). `decide` tries the fast path for one limit in
//! memory, then the one for several; all else is a `batch` of store operations, which a `lease` or
//! a `local_refusal` may answer without its store. Policies for backends that fail are run by the
//! `recovery`.

pub(crate) mod arg_values;
pub(crate) mod attempt;
pub(crate) mod backend_hold;
pub(crate) mod batch;
pub(crate) mod batch_decide;
pub(crate) mod batch_report;
pub(crate) mod client_key;
pub(crate) mod closed;
pub(crate) mod cost_source;
pub(crate) mod detail;
pub(crate) mod fast_path;
pub(crate) mod fast_set;
pub(crate) mod hit;
pub(crate) mod hit_limits;
pub(crate) mod hit_set;
pub(crate) mod hold;
pub(crate) mod identity_cache;
pub(crate) mod lease;
pub(crate) mod local_refusal;
pub(crate) mod look;
pub(crate) mod multi_backend;
pub(crate) mod part;
pub(crate) mod plan_hold;
pub(crate) mod recovery;
pub(crate) mod report;
pub(crate) mod shadow;
pub(crate) mod snapshot;
pub(crate) mod static_hits;

pub use arg_values::{ArgValues, ClosureValues};
pub use hit_set::HitSet;

use std::slice;

use http::request::Parts;

use crate::engine::batch::{Batch, is_local};
use crate::engine::batch_decide::Undecided;
use crate::engine::detail::Detail;
use crate::engine::fast_path::FastDecision;
use crate::engine::hit::{HitRef, ThrottleHit};
use crate::engine::hit_set::HitRequest;
use crate::engine::hold::{Hold, OutcomeWithHold};
use crate::engine::lease::{Leasing, admit_by_lease};
use crate::engine::local_refusal::refuse_locally;
use crate::engine::look::Look;
use crate::engine::recovery::resolution::Resolution;
use crate::error::Error;
use crate::flow::Flow;
use crate::inline_vec::InlineVec4;
use crate::store::outcome::StoreOutcome;

/// Counts hits, all or none, at their own costs or at `cost`. Gives back the request.
#[inline]
pub(crate) fn decide<'a, 'd, R, D>(request: R, cost: Option<u64>) -> Flow<'a, (R, Result<D, Error>)>
where
    R: HitRequest<'d> + 'a,
    D: Detail<'d> + 'a,
    'd: 'a,
{
    match decide_fast(request.hits(), cost, request.parts()) {
        Some(decision) => Flow::Ready((request, Ok(decision))),
        None => decide_slow(request, cost),
    }
}

/// The first half of [`decide`], for callers on the path of every request: a request is some
/// hundred bytes, and this moves none. Returns `None` if the hits need [`decide_slow`]. Nothing has
/// changed then.
#[inline(always)]
pub(crate) fn decide_fast<'d, D: Detail<'d>>(
    hits: &[ThrottleHit<'d>],
    cost: Option<u64>,
    parts: Option<&Parts>,
) -> Option<D> {
    let fast = fast_path::decide(hits, cost, parts)?;
    Some(D::from_fast(&fast, &hits[0], parts))
}

/// Decides a hit at its own cost, as most requests of handlers and layers have it: under one limit,
/// in memory. Returns `None` if the hit needs [`decide_slow`]. Nothing has changed then.
#[inline(always)]
pub(crate) fn decide_single(
    hit: &ThrottleHit<'static>,
    parts: &Parts,
) -> Option<FastDecision<'static>> {
    fast_path::decide(slice::from_ref(hit), None, Some(parts))
}

/// The second half of [`decide`]: several limits in memory together, or else a batch of store
/// operations. It is not inlined, because a batch takes some room, of which callers on the fast
/// path need none.
#[inline(never)]
pub(crate) fn decide_slow<'a, 'd, R, D>(
    request: R,
    cost: Option<u64>,
) -> Flow<'a, (R, Result<D, Error>)>
where
    R: HitRequest<'d> + 'a,
    D: Detail<'d> + 'a,
    'd: 'a,
{
    match decide_fast_set(request.hits(), cost, request.parts()) {
        Some(decision) => Flow::Ready((request, Ok(decision))),
        None => decide_in_batch(request, cost),
    }
}

/// The last part of [`decide`], for hits that no fast path decides.
#[inline(never)]
pub(crate) fn decide_in_batch<'a, 'd, R, D>(
    request: R,
    cost: Option<u64>,
) -> Flow<'a, (R, Result<D, Error>)>
where
    R: HitRequest<'d> + 'a,
    D: Detail<'d> + 'a,
    'd: 'a,
{
    decide_batch(
        request,
        (cost, Leasing::On),
        D::from_batch,
        |decision, hold| {
            hold.keep();
            decision
        },
    )
}

/// Decides several limits in memory together. Returns `None` if they need a batch. Nothing has
/// changed then.
#[inline(never)]
fn decide_fast_set<'d, D: Detail<'d>>(
    hits: &[ThrottleHit<'d>],
    cost: Option<u64>,
    parts: Option<&Parts>,
) -> Option<D> {
    let mut refs: InlineVec4<HitRef<'_, 'd>> = InlineVec4::new();
    for hit in hits {
        refs.push(hit.fast_ref(cost, parts)?);
    }
    D::decide_fast_set(&refs)
}

/// A decision, and the hold by which its hits are settled.
type Reserved<D> = Result<(D, Hold), Error>;

/// Counts hits, all or none, and returns the hold by which they are settled. Gives back the
/// request.
pub(crate) fn reserve<'a, 'd, R, D>(request: R, cost: Option<u64>) -> Flow<'a, (R, Reserved<D>)>
where
    R: HitRequest<'d> + 'a,
    D: Detail<'d> + 'a,
    'd: 'a,
{
    decide_batch(
        request,
        (cost, Leasing::Off),
        |batch, resolution| {
            let hold = Hold::of(batch, resolution);
            (D::from_batch(batch, resolution), hold)
        },
        |decision, hold| (decision, hold),
    )
}

/// Reads the states of all hits, those that do not apply included.
pub(crate) fn look<'a, 'd: 'a>(
    hits: &'a [ThrottleHit<'d>],
    parts: Option<&'a Parts>,
) -> Flow<'a, Result<Look<'a, 'd>, Error>> {
    match Batch::for_look(hits, parts) {
        Ok(batch) => batch.look(),
        Err(error) => Flow::Ready(Err(error)),
    }
}

/// Returns `true` if hits of this cost would all be admitted now. Counts nothing.
pub(crate) async fn would_admit(
    hits: &[ThrottleHit<'_>],
    parts: Option<&Parts>,
    cost: u64,
) -> Result<bool, Error> {
    let batch = Batch::new(hits, Some(0), parts)?;
    // A closed throttle refuses without its store, which may be away.
    if batch.is_closed_for(cost) {
        return Ok(false);
    }
    Ok(batch.look().await?.would_admit(cost))
}

/// Decides a batch. `now` makes the result of a batch of this process; `later` makes it of a batch
/// that was awaited.
fn decide_batch<'a, 'd, R, D, T>(
    request: R,
    (cost, leasing): (Option<u64>, Leasing),
    now: impl FnOnce(&Batch<'_, 'd>, &Resolution<StoreOutcome>) -> T,
    later: impl FnOnce(D, Hold) -> T + Send + 'a,
) -> Flow<'a, (R, Result<T, Error>)>
where
    R: HitRequest<'d> + 'a,
    D: Detail<'d> + 'a,
    T: Send + 'a,
    'd: 'a,
{
    let how = (cost, leasing);
    let failed = match decide_local(request.hits(), how, request.parts(), now) {
        Ok(result) => return Flow::Ready((request, result)),
        Err(Undecided(failed)) => failed,
    };
    Flow::pending(async move {
        let result = decide_awaited(request.hits(), how, request.parts(), failed).await;
        let result = result.map(|(decision, hold)| later(decision, hold));
        (request, result)
    })
}

/// Decides a batch of this process, or one that a shared store has counted in advance or is certain
/// to refuse, if nothing has to be awaited. A batch takes some room, so it is kept off the stack of
/// callers that need none.
#[inline(never)]
fn decide_local<'d, T>(
    hits: &[ThrottleHit<'d>],
    (cost, leasing): (Option<u64>, Leasing),
    parts: Option<&Parts>,
    result: impl FnOnce(&Batch<'_, 'd>, &Resolution<StoreOutcome>) -> T,
) -> Result<Result<T, Error>, Undecided> {
    if !is_local(hits, parts) {
        let leased = match leasing {
            Leasing::On => admit_by_lease(hits, cost, parts),
            Leasing::Off => None,
        };
        let decided = leased.or_else(|| refuse_locally(hits, cost, parts));
        let (batch, outcome) = decided.ok_or(Undecided(None))?;
        return Ok(Ok(result(&batch, &Resolution::Decided(outcome))));
    }
    let batch = match Batch::new(hits, cost, parts) {
        Ok(batch) => batch,
        Err(error) => return Ok(Err(error)),
    };
    let outcome = batch.decide_now()?;
    Ok(Ok(result(&batch, &Resolution::Decided(outcome))))
}

/// Decides a batch whose stores have to be awaited, or one of this process that has failed.
async fn decide_awaited<'d, D: Detail<'d>>(
    hits: &[ThrottleHit<'d>],
    (cost, leasing): (Option<u64>, Leasing),
    parts: Option<&Parts>,
    failed: Option<Error>,
) -> Result<(D, Hold), Error> {
    let mut batch = Batch::new(hits, cost, parts)?;
    if leasing == Leasing::Off {
        batch.without_leases();
    }
    let (resolution, hold) = match batch.decide(failed).await? {
        Resolution::Decided(OutcomeWithHold { outcome, hold }) => {
            (Resolution::Decided(outcome), hold)
        }
        Resolution::Allowed(error) => (Resolution::Allowed(error), Hold::default()),
        Resolution::Throttled(wait, error) => (Resolution::Throttled(wait, error), Hold::default()),
    };
    Ok((D::from_batch(&batch, &resolution), hold))
}
