//! The admission of a request by a layer: resolve its hits, decide them, enforce the decision.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use crate::engine::decide;
use crate::engine::hit_set::{HitSet, RequestHits};
use crate::error::Error;
use crate::flow::Flow;
use crate::http::enforce::{Decided, Progress, conclude, decide_request, fields};
use crate::http::layer::grpc;
use crate::http::layer::request_state::RequestState;
use crate::http::layer::rules::Rules;
use crate::http::response_fields::{ResponseFields, ResponseStyle};
use crate::rejection::Rejection;

/// A request that a layer lets through.
pub(super) struct Passed {
    pub(super) parts: Parts,
    /// The header fields of the layer's decision, if it has made one.
    pub(super) fields: Option<ResponseFields>,
    /// The state for what is below the layer.
    pub(super) state: RequestState,
}

/// A request on its way through a layer.
#[allow(
    clippy::large_enum_variant,
    reason = "it lives for one request, and a box would be one more allocation in it"
)]
pub(super) enum Admission {
    /// The request passes at once.
    Passed(Passed),
    /// The hits are decided, or are being decided. The request is refused, delayed or awaited.
    Deciding(Flow<'static, Decided<HitSet, Parts>>),
    /// The hits are being resolved.
    Resolving(Flow<'static, (Parts, Result<HitSet, Error>)>),
}

impl Admission {
    /// Takes a request as far as it comes without waiting.
    pub(super) fn begin(rules: &Arc<Rules>, parts: Parts) -> Self {
        let (parts, hits) = match rules.hits(parts) {
            Flow::Ready((parts, Ok(hits))) => (parts, hits),
            resolving => return Self::Resolving(resolving),
        };
        if hits.is_empty() {
            return Self::Passed(Passed::new(RequestHits { hits, parts }, None));
        }
        match decide_request(RequestHits { hits, parts }) {
            Progress::Passes(request, detailed) => {
                let (_, fields) = fields(detailed, &request, ResponseStyle::default());
                Self::Passed(Passed::new(request, Some(fields)))
            }
            Progress::Open(deciding) => Self::Deciding(deciding),
        }
    }

    /// Takes the request the rest of the way.
    ///
    /// # Errors
    ///
    /// The response to a request that is rejected.
    pub(super) async fn conclude(self) -> Result<Passed, Response<Bytes>> {
        match self {
            Self::Passed(passed) => Ok(passed),
            Self::Deciding(deciding) => enforce(deciding.await).await,
            Self::Resolving(resolving) => match resolving.await {
                (parts, Ok(hits)) if hits.is_empty() => {
                    Ok(Passed::new(RequestHits { hits, parts }, None))
                }
                (parts, Ok(hits)) => enforce(decide(RequestHits { hits, parts }, None).await).await,
                (parts, Err(error)) => Err(response(Rejection::of_error(error).await, &parts)),
            },
        }
    }
}

impl Passed {
    fn new(request: RequestHits<HitSet, Parts>, fields: Option<ResponseFields>) -> Self {
        let RequestHits { hits, parts } = request;
        Self {
            state: RequestState::below(&parts, &hits),
            fields,
            parts,
        }
    }
}

async fn enforce((request, detailed): Decided<HitSet, Parts>) -> Result<Passed, Response<Bytes>> {
    match conclude(detailed, &request, ResponseStyle::default()).await {
        Ok((_, fields)) => Ok(Passed::new(request, Some(fields))),
        Err(rejection) => Err(response(rejection, &request.parts)),
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
