//! Enforces a decision: lets the request pass, after its delay, or rejects it.

use std::borrow::Borrow;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use crate::decision::Decision;
use crate::definition::Definition;
use crate::engine::detail::DetailedDecision;
use crate::engine::hit_set::{HitSet, RequestHits};
use crate::error::Error;
use crate::http::fields::{Fields, refused_by};
use crate::http::layer::request_state::RequestState;
use crate::http::reject::{refuse, reject, responder};
use crate::http::response_fields::ResponseFields;
use crate::http::response_style::ResponseStyle;
use crate::rejection::Rejection;
use crate::timer;

/// The decision on a request that may pass, with its header fields; or its rejection.
pub(super) type Enforced = Result<(Decision, ResponseFields), Rejection>;

/// The end of a decision that needs no waiting.
#[allow(
    clippy::large_enum_variant,
    reason = "it lives for one request, and a box would be one more allocation in it"
)]
pub(super) enum Conclusion {
    /// The request passes, and its response has these header fields.
    Passes(ResponseFields),
    /// The response to a request that is refused.
    Refused(Response<Bytes>),
    /// The request is delayed, or a function of the application makes its response.
    Open(DetailedDecision),
}

/// Enforces a decision, unless that takes time.
pub(super) fn conclude_now(
    detailed: DetailedDecision,
    hits: &HitSet,
    parts: &Parts,
    style: ResponseStyle,
) -> Conclusion {
    let decision = detailed.decision;
    if detailed.passes_at_once() {
        RequestState::warn_of_repeated(RequestState::of(parts), hits.hits());
        return Conclusion::Passes(ResponseFields::new(detailed, style));
    }
    let refused_by = refused_by(&detailed.limits);
    if decision.admitted || responder(refused_by, style, parts).is_some() {
        return Conclusion::Open(detailed);
    }
    RequestState::warn_of_repeated(RequestState::of(parts), hits.hits());
    let fields = Fields::new(detailed, style);
    let cost_source = |throttle: &Definition| hits.cost_source(throttle);
    Conclusion::Refused(refuse(&decision, &fields, refused_by, cost_source))
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
    let detailed = detailed?;
    let (hits, parts) = (request.hits.borrow(), request.parts.borrow());
    RequestState::warn_of_repeated(RequestState::of(parts), hits.hits());
    let decision = detailed.decision;
    if decision.admitted {
        let fields = ResponseFields::new(detailed, style);
        // A request that goes away while it waits has used up its units.
        if !decision.delay.is_zero() {
            // Boxed, because most requests have no delay, and a small future is moved faster.
            Box::pin(timer::sleep(decision.delay)).await?;
        }
        return Ok((decision, fields));
    }
    let fields = Fields::new(detailed, style);
    let cost_source = |throttle: &Definition| hits.cost_source(throttle);
    Err(reject(&decision, &fields, parts, cost_source).await)
}
