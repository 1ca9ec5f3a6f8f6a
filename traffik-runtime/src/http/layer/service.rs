//! The service of a layer: decides the throttles of a request, then calls the service below.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::{mem, slice};

use axum_core::body::Body;
use axum_core::response::Response;
use bytes::Bytes;
use http::Request;
use http_body::Body as HttpBody;
use tower_service::Service;

use crate::engine::decide_single;
use crate::engine::hit_set::HitSet;
use crate::http::layer::admission::{Admission, Passed};
use crate::http::layer::body::BoxError;
use crate::http::layer::future::{ThrottleFuture, with_fields};
use crate::http::layer::request_state::RequestState;
use crate::http::layer::rules::Rules;
use crate::http::response_fields::ResponseFields;
use crate::http::response_style::ResponseStyle;
use crate::inline_vec::InlineVec1;

/// The service that a [`ThrottleLayer`](crate::http::layer::ThrottleLayer) makes. Its responses
/// have the body of axum, whatever body the service below has.
#[derive(Clone, Debug)]
pub struct ThrottleService<S> {
    rules: Arc<Rules>,
    inner: S,
}

impl<S> ThrottleService<S> {
    pub(super) fn new(rules: Arc<Rules>, inner: S) -> Self {
        Self { rules, inner }
    }
}

impl<S, B, R> Service<Request<B>> for ThrottleService<S>
where
    S: Service<Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ThrottleFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let admission = match self.rules.single_hit(&parts) {
            Some(hit) => match decide_single(&hit, &parts) {
                Some(fast) if fast.passes_at_once() => {
                    let style = ResponseStyle::default();
                    let fields = ResponseFields::of_admitted(&fast, &hit, &parts, style);
                    let counted = InlineVec1::from_buf([hit.throttle]);
                    let state = RequestState::below(&mut parts.extensions, counted);
                    state.warn_of_repeated_above(slice::from_ref(&hit));
                    let response = self.inner.call(Request::from_parts(parts, body));
                    return ThrottleFuture::passed(response, fields, state);
                }
                Some(fast) => Admission::decided_single(&fast, hit, &parts),
                None => Admission::undecided(HitSet::of_one(hit), &parts),
            },
            None => Admission::begin(&self.rules, &parts),
        };
        let open = match admission {
            Admission::Passed(Passed { fields, counted }) => {
                let state = RequestState::below(&mut parts.extensions, counted);
                let response = self.inner.call(Request::from_parts(parts, body));
                return ThrottleFuture::passed(response, fields, state);
            }
            Admission::Refused(response) => return ThrottleFuture::refused(response),
            Admission::Open(open) => open,
        };
        // The service that was polled is ready; its clone may not be.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        ThrottleFuture::pending(Box::pin(async move {
            let Passed { fields, counted } = match open.conclude(&mut parts).await {
                Ok(passed) => passed,
                Err(refusal) => return Ok(refusal.map(Body::from)),
            };
            let state = RequestState::below(&mut parts.extensions, counted);
            let response = inner.call(Request::from_parts(parts, body)).await?;
            Ok(with_fields(response, fields, &state))
        }))
    }
}
