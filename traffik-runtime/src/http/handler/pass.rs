//! The way of every handler's request: resolve its hits, decide them, enforce the decision.

use std::slice;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::engine::detail::{Detail as _, DetailedDecision};
use crate::engine::hit_set::{HitSet, RequestHits};
use crate::engine::{decide, decide_single, decide_slow};
use crate::error::Error;
use crate::flow::Flow;
use crate::http::enforce::{Conclusion, Enforced, conclude, conclude_now};
use crate::http::handler::hit_source::HitSource;
use crate::http::layer::request_state::RequestState;
use crate::http::pending_fields::PendingFields;
use crate::http::response_fields::ResponseFields;
use crate::http::response_style::ResponseStyle;
use crate::rejection::Rejection;

/// The header fields for the response to a request that passes, or the response to one that is
/// rejected.
pub(super) type Passed = Result<PendingFields, Response>;

/// The hits of a request, and the decision on them.
type Deciding<'a> = (
    RequestHits<HitSet, &'a Parts>,
    Result<DetailedDecision, Error>,
);

/// Lets a request pass if the hits of its handler are admitted.
pub(super) fn pass_source(
    source: HitSource,
    parts: &Parts,
    state: Option<RequestState>,
    style: ResponseStyle,
) -> Flow<'_, Passed> {
    let Some(hit) = source.single_hit(parts) else {
        return pass(source.resolve(parts), parts, state, style);
    };
    match decide_single(&hit, parts) {
        Some(fast) if fast.passes_at_once() => {
            RequestState::warn_of_repeated(state.as_ref(), slice::from_ref(&hit));
            let fields = ResponseFields::of_admitted(&fast, &hit, parts, style);
            Flow::Ready(Ok(PendingFields::new(fields, state.as_ref())))
        }
        Some(fast) => {
            let detailed = DetailedDecision::from_fast(&fast, &hit, Some(parts));
            finish(detailed, HitSet::of_one(hit), parts, state, style)
        }
        None => {
            let hits = HitSet::of_one(hit);
            let deciding = decide_slow(RequestHits { hits, parts }, None);
            pass_decided(deciding, parts, state, style)
        }
    }
}

/// Lets a request pass if its hits are admitted.
#[inline(never)]
pub(super) fn pass<'a>(
    hits: Flow<'a, Result<HitSet, Error>>,
    parts: &'a Parts,
    state: Option<RequestState>,
    style: ResponseStyle,
) -> Flow<'a, Passed> {
    let pending = match hits {
        Flow::Ready(Ok(hits)) => {
            let deciding = decide(RequestHits { hits, parts }, None);
            return pass_decided(deciding, parts, state, style);
        }
        pending => pending,
    };
    Flow::pending(async move {
        let enforced = match pending.await {
            Ok(hits) => {
                let (request, detailed) = decide(RequestHits { hits, parts }, None).await;
                conclude(detailed, &request, style).await
            }
            Err(error) => Err(Rejection::of_error(error).await),
        };
        passed(enforced, state.as_ref())
    })
}

/// Lets a request pass if this decision admits it.
#[inline(never)]
fn pass_decided<'a>(
    deciding: Flow<'a, Deciding<'a>>,
    parts: &'a Parts,
    state: Option<RequestState>,
    style: ResponseStyle,
) -> Flow<'a, Passed> {
    match deciding {
        Flow::Ready((RequestHits { hits, .. }, Ok(detailed))) => {
            finish(detailed, hits, parts, state, style)
        }
        deciding => Flow::pending(async move {
            let (request, detailed) = deciding.await;
            passed(conclude(detailed, &request, style).await, state.as_ref())
        }),
    }
}

/// Enforces a decision.
#[inline(never)]
fn finish(
    detailed: DetailedDecision,
    hits: HitSet,
    parts: &Parts,
    state: Option<RequestState>,
    style: ResponseStyle,
) -> Flow<'_, Passed> {
    match conclude_now(detailed, &hits, parts, style) {
        Conclusion::Passes(fields) => Flow::Ready(Ok(PendingFields::new(fields, state.as_ref()))),
        Conclusion::Refused(mut response) => {
            if let Some(state) = state {
                state.write(&mut response);
            }
            Flow::Ready(Err(response.map(Body::from)))
        }
        Conclusion::Open(detailed) => Flow::pending(async move {
            let request = RequestHits { hits, parts };
            let enforced = conclude(Ok(detailed), &request, style).await;
            passed(enforced, state.as_ref())
        }),
    }
}

/// Adds the fields to those of the request's state, or those of its state to a rejection.
#[allow(
    clippy::result_large_err,
    reason = "a response is what the extractor returns"
)]
fn passed(enforced: Enforced, state: Option<&RequestState>) -> Passed {
    match enforced {
        Ok((_, fields)) => Ok(PendingFields::new(fields, state)),
        Err(rejection) => {
            let rejection = rejection.with_earlier(state.map(RequestState::earlier));
            Err(rejection.into_response())
        }
    }
}
