//! Enforces a decision: lets the request pass, after its delay, or rejects it.

use std::borrow::Borrow;

use http::request::Parts;

use crate::decision::Decision;
use crate::definition::Definition;
use crate::engine::detail::DetailedDecision;
use crate::engine::hit_set::{HitRequest as _, HitSet, RequestHits};
use crate::engine::{decide_fast, decide_slow};
use crate::error::Error;
use crate::flow::Flow;
use crate::http::layer::request_state::RequestState;
use crate::http::reject::reject;
use crate::http::response_fields::{ResponseFields, ResponseStyle};
use crate::rejection::Rejection;
use crate::timer;

/// The decision on a request that may pass, with its header fields; or its rejection.
pub(super) type Enforced = Result<(Decision, ResponseFields), Rejection>;

/// A request, and the decision on its hits.
pub(super) type Decided<H, P> = (RequestHits<H, P>, Result<DetailedDecision, Error>);

/// A request, decided as far as that goes without waiting.
pub(super) enum Progress<'a, H, P> {
    /// The request passes at once.
    Passes(RequestHits<H, P>, DetailedDecision),
    /// The request is refused or delayed, or its decision has to be awaited.
    Open(Flow<'a, Decided<H, P>>),
}

/// Decides the hits of a request. It is inlined, because a request is some hundred bytes.
#[inline(always)]
pub(super) fn decide_request<'a, H, P>(request: RequestHits<H, P>) -> Progress<'a, H, P>
where
    H: Borrow<HitSet> + Send + Sync + 'a,
    P: Borrow<Parts> + Send + Sync + 'a,
{
    let decided = match decide_fast(request.hits(), None, request.parts()) {
        Some(detailed) if DetailedDecision::passes_at_once(&detailed) => {
            return Progress::Passes(request, detailed);
        }
        Some(detailed) => Flow::Ready((request, Ok(detailed))),
        None => decide_slow(request, None),
    };
    match decided {
        Flow::Ready((request, Ok(detailed))) if DetailedDecision::passes_at_once(&detailed) => {
            Progress::Passes(request, detailed)
        }
        decided => Progress::Open(decided),
    }
}

/// Decides the hits of a request, and enforces the decision. `finish` makes the result of it.
pub(super) fn enforce<'a, H, P, T>(
    request: RequestHits<H, P>,
    style: ResponseStyle,
    finish: impl FnOnce(RequestHits<H, P>, Enforced) -> T + Send + 'a,
) -> Flow<'a, T>
where
    H: Borrow<HitSet> + Send + Sync + 'a,
    P: Borrow<Parts> + Send + Sync + 'a,
{
    match decide_request(request) {
        Progress::Passes(request, detailed) => {
            let passed = fields(detailed, &request, style);
            Flow::Ready(finish(request, Ok(passed)))
        }
        Progress::Open(decided) => Flow::pending(async move {
            let (request, detailed) = decided.await;
            let enforced = conclude(detailed, &request, style).await;
            finish(request, enforced)
        }),
    }
}

/// Waits for the delay of an admitted request, or rejects a refused one.
pub(super) async fn conclude<H, P>(
    detailed: Result<DetailedDecision, Error>,
    request: &RequestHits<H, P>,
    style: ResponseStyle,
) -> Enforced
where
    H: Borrow<HitSet>,
    P: Borrow<Parts>,
{
    let (decision, fields) = fields(detailed?, request, style);
    if decision.admitted {
        // A request that goes away while it waits has used up its units.
        if !decision.delay.is_zero() {
            // Boxed, because most requests have no delay, and a small future is moved faster.
            Box::pin(timer::sleep(decision.delay)).await?;
        }
        return Ok((decision, fields));
    }
    let hits = request.hits.borrow();
    let cost_source = |throttle: &Definition| hits.cost_source(throttle);
    Err(reject(&decision, &fields, request.parts.borrow(), cost_source).await)
}

/// Returns the decision and its header fields. Warns of hits that a layer above has counted too.
pub(super) fn fields<H, P>(
    detailed: DetailedDecision,
    request: &RequestHits<H, P>,
    style: ResponseStyle,
) -> (Decision, ResponseFields)
where
    H: Borrow<HitSet>,
    P: Borrow<Parts>,
{
    if let Some(state) = RequestState::of(request.parts.borrow()) {
        state.warn_of_repeated(request.hits.borrow());
    }
    (detailed.decision, ResponseFields::new(detailed, style))
}
