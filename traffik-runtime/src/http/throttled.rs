use std::convert::Infallible;
use std::fmt;

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponseParts, ResponseParts};
use http::request::Parts;

use crate::decision::Decision;
use crate::engine::hit::Asking;
use crate::engine::identity_cache::Known;
use crate::http::enforce::pass;
use crate::http::layer::request_state::Trail;
use crate::http::limiter::Limiter;
use crate::http::pending_fields::Kept;
use crate::http::response_fields::{Manner, Told};
use crate::rejection::Rejection;
use crate::throttle::Throttle;

/// A request that a throttle, or a set of them, has let through; an argument of any handler. What is refused never reaches
/// the handler.
///
/// The header fields are in the response where a [`ThrottleLayer`](crate::http::layer::ThrottleLayer) stands above, where it is made
/// a part of the response, as in `(throttled, "hello")`, and where an argument after it is another `Throttled` that refuses
/// or a gate of `#[throttled]`.
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
    told: Kept,
}

impl<T: Throttle> Throttled<T> {
    /// The decision that let it through.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The throttle, bound to the request's client.
    pub const fn limiter(&self) -> &Limiter<T> {
        &self.limiter
    }
}

impl<T: Throttle, S: Send + Sync> FromRequestParts<S> for Throttled<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Known::remember(parts);
        let trail = Trail::join(&mut parts.extensions);
        match decided::<T>(parts).await {
            Ok((asking, decision, told)) => {
                trail.add_counted(&asking);
                Ok(Self {
                    limiter: Limiter::new(parts, asking),
                    decision,
                    told: Kept::new(told, Some(&trail)),
                })
            }
            Err(rejection) => Err(rejection.after(Some(&trail))),
        }
    }
}

async fn decided<T: Throttle>(parts: &Parts) -> Result<(Asking, Decision, Told), Rejection> {
    let mut asking = Asking::of_anything();
    let asked = T::ask(parts, None, &mut asking).await;
    if let Err(error) = asked {
        return Err(Rejection::of_error(error).await);
    }
    let (decision, told) = pass(&asking, parts, Manner::default()).await?;
    Ok((asking, decision, told))
}

impl<T> IntoResponseParts for Throttled<T> {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.told.write(&mut response);
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
