//! `Throttled`: an argument of a handler whose request was let through.

use std::convert::Infallible;
use std::fmt;

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponseParts, ResponseParts};
use http::request::Parts;

use crate::decision::Decision;
use crate::engine::decide;
use crate::engine::hit_set::{HitSet, RequestHits};
use crate::engine::identity_cache::IdentityCache;
use crate::http::enforce::conclude;
use crate::http::layer::request_state::RequestState;
use crate::http::limiter::Limiter;
use crate::http::pending_fields::PendingFields;
use crate::http::response_fields::ResponseFields;
use crate::http::response_style::ResponseStyle;
use crate::rejection::Rejection;
use crate::throttle::Throttle;

/// A request that a throttle, or a set of them, has admitted: an argument of any handler. A refused
/// request does not reach the handler.
///
/// The response has the header fields if a [`ThrottleLayer`](crate::http::layer::ThrottleLayer) is
/// above, if the argument is made a part of the response, as in `(throttled, "hello")`, and if a
/// later argument is another `Throttled` that refuses, or the handler has `#[throttled]`.
///
/// ```
/// use axum::response::IntoResponse;
/// use traffik::{Throttled, throttles};
///
/// throttles! { throttle Api(rate = "100/minute"); }
///
/// async fn data(throttled: Throttled<Api>) -> impl IntoResponse {
///     let left = throttled.decision().remaining;
///     (throttled, format!("{left} left\n"))
/// }
/// ```
pub struct Throttled<T> {
    limiter: Limiter<T>,
    decision: Decision,
    fields: PendingFields,
}

impl<T: Throttle> Throttled<T> {
    /// Returns the decision that admitted the request.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Returns the throttle, bound to the request's client.
    pub const fn limiter(&self) -> &Limiter<T> {
        &self.limiter
    }
}

impl<T: Throttle, S: Send + Sync> FromRequestParts<S> for Throttled<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        IdentityCache::enable(parts);
        let state = RequestState::join(&mut parts.extensions);
        let mut hits = HitSet::for_extractor();
        let admitted = match T::add_hits(parts, None, &mut hits).await {
            Ok(()) => admit(hits, parts).await,
            Err(error) => Err(Rejection::of_error(error).await),
        };
        match admitted {
            Ok((hits, decision, fields)) => {
                state.add_counted(&hits);
                Ok(Self {
                    limiter: Limiter::new(parts, hits),
                    decision,
                    fields: PendingFields::new(fields, Some(&state)),
                })
            }
            Err(rejection) => Err(rejection.with_earlier(Some(state.earlier()))),
        }
    }
}

/// Decides hits, and enforces the decision.
async fn admit(
    hits: HitSet,
    parts: &Parts,
) -> Result<(HitSet, Decision, ResponseFields), Rejection> {
    let (request, detailed) = decide(RequestHits { hits, parts }, None).await;
    let (decision, fields) = conclude(detailed, &request, ResponseStyle::default()).await?;
    Ok((request.hits, decision, fields))
}

impl<T> IntoResponseParts for Throttled<T> {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.fields.write(&mut response);
        Ok(response)
    }
}

impl<T> fmt::Debug for Throttled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttled")
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}
