//! The admission of a request by a layer: resolve its hits, decide them, enforce the decision.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use crate::definition::Definition;
use crate::engine::detail::{Detail as _, DetailedDecision};
use crate::engine::fast_path::FastDecision;
use crate::engine::hit::ThrottleHit;
use crate::engine::hit_set::{HitSet, RequestHits, counted};
use crate::engine::{Undecided, decide, decide_fast, decide_later, decide_now};
use crate::error::Error;
use crate::http::enforce::{Conclusion, conclude, conclude_now};
use crate::http::layer::grpc;
use crate::http::layer::request_state::RequestState;
use crate::http::layer::rules::{Resolved, Rules, UnresolvedHits};
use crate::http::response_fields::ResponseFields;
use crate::http::response_style::ResponseStyle;
use crate::inline_vec::InlineVec1;
use crate::rejection::Rejection;

/// A request that a layer lets through.
#[derive(Default)]
pub(super) struct Passed {
    /// The header fields of the layer's decision.
    pub(super) fields: ResponseFields,
    /// The throttles that have counted it.
    pub(super) counted: InlineVec1<&'static Definition>,
}

/// A request's way through a layer, as far as it comes without waiting.
#[allow(
    clippy::large_enum_variant,
    reason = "it lives for one request, and a box would be one more allocation in it"
)]
pub(super) enum Admission {
    /// The request passes at once.
    Passed(Passed),
    /// The request is refused at once.
    Refused(Response<Bytes>),
    /// The rest has to be awaited.
    Open(Open),
}

/// The rest of a request's way through a layer.
pub(super) enum Open {
    /// The hits are to be resolved.
    Unresolved(UnresolvedHits),
    /// The hits are to be decided, by what has to be awaited.
    Undecided(HitSet, Undecided),
    /// The decision is to be enforced.
    Decided(HitSet, Result<DetailedDecision, Error>),
}

impl Admission {
    /// Takes a request as far as it comes without waiting.
    #[inline(never)]
    pub(super) fn begin(rules: &Arc<Rules>, parts: &Parts) -> Self {
        match rules.resolve(parts) {
            Resolved::Hits(hits) if hits.is_empty() => Self::Passed(Passed::default()),
            Resolved::Hits(hits) => match decide_fast(hits.hits(), None, Some(parts)) {
                Some(detailed) => Self::decided(hits, Ok(detailed), parts),
                None => Self::undecided(hits, parts),
            },
            Resolved::Unresolved(unresolved) => Self::Open(Open::Unresolved(unresolved)),
        }
    }

    /// Takes a request whose only hit was decided, but does not let it pass at once, as far as it
    /// comes without waiting.
    #[inline(never)]
    pub(super) fn decided_single(
        fast: &FastDecision<'static>,
        hit: ThrottleHit<'static>,
        parts: &Parts,
    ) -> Self {
        let detailed = DetailedDecision::from_fast(fast, &hit, Some(parts));
        Self::decided(HitSet::of_one(hit), Ok(detailed), parts)
    }

    /// Decides hits that the fast path does not decide, unless that takes time.
    #[inline(never)]
    pub(super) fn undecided(hits: HitSet, parts: &Parts) -> Self {
        match decide_now(hits.hits(), None, Some(parts)) {
            Ok(detailed) => Self::decided(hits, detailed, parts),
            Err(undecided) => Self::Open(Open::Undecided(hits, undecided)),
        }
    }

    /// Enforces a decision, unless that takes time.
    #[inline(never)]
    fn decided(hits: HitSet, detailed: Result<DetailedDecision, Error>, parts: &Parts) -> Self {
        let detailed = match detailed {
            Ok(detailed) => detailed,
            Err(error) => return Self::Open(Open::Decided(hits, Err(error))),
        };
        match conclude_now(detailed, &hits, parts, ResponseStyle::default()) {
            Conclusion::Passes(fields) => Self::Passed(Passed::new(hits.hits(), fields)),
            Conclusion::Refused(mut response) => {
                if let Some(state) = RequestState::of(parts) {
                    state.write(&mut response);
                }
                Self::Refused(grpc::with_status(response, parts))
            }
            Conclusion::Open(detailed) => Self::Open(Open::Decided(hits, Ok(detailed))),
        }
    }
}

impl Open {
    /// Takes the request the rest of the way.
    ///
    /// # Errors
    ///
    /// The response to a request that is rejected.
    pub(super) async fn conclude(self, parts: &mut Parts) -> Result<Passed, Response<Bytes>> {
        let (hits, detailed) = match self {
            Self::Unresolved(unresolved) => match unresolved.resolve(parts).await {
                Ok(hits) if hits.is_empty() => {
                    return Ok(Passed::default());
                }
                Ok(hits) => {
                    let request = RequestHits {
                        hits,
                        parts: &*parts,
                    };
                    let (RequestHits { hits, .. }, detailed) = decide(request, None).await;
                    (hits, detailed)
                }
                Err(error) => return Err(response(Rejection::of_error(error).await, parts)),
            },
            Self::Undecided(hits, undecided) => {
                let detailed = decide_later(hits.hits(), None, Some(parts), undecided).await;
                (hits, detailed)
            }
            Self::Decided(hits, detailed) => (hits, detailed),
        };
        let request = RequestHits {
            hits: &hits,
            parts: &*parts,
        };
        match conclude(detailed, &request, ResponseStyle::default()).await {
            Ok((_, fields)) => Ok(Passed::new(hits.hits(), fields)),
            Err(rejection) => Err(response(rejection, parts)),
        }
    }
}

impl Passed {
    fn new(hits: &[ThrottleHit<'static>], fields: ResponseFields) -> Self {
        let counted = counted(hits).collect();
        Self { fields, counted }
    }
}

/// Returns the response to a rejected request. That to a gRPC call has a status of gRPC too.
fn response(rejection: Rejection, parts: &Parts) -> Response<Bytes> {
    let earlier = RequestState::of(parts).map(RequestState::earlier);
    let rejection = rejection.with_earlier(earlier);
    let is_answered = rejection.is_answered();
    let response = rejection.into_http();
    if is_answered {
        return response;
    }
    grpc::with_status(response, parts)
}
