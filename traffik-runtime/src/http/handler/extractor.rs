//! The extractor that `#[throttled]` adds to a handler, and the options of the handler.

use std::fmt;
use std::future::{Future, IntoFuture, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::callback::on_throttled::Responder;
use crate::engine::cost_source::CostSource;
use crate::engine::hit_set::HitSet;
use crate::error::Error;
use crate::flow::FlowFuture;
use crate::header_style::HeaderStyle;
use crate::http::handler::hit_source::{HitSource, Source};
use crate::http::handler::pass::{Passed, pass_source};
use crate::http::layer::request_state::RequestState;
use crate::http::pending_fields::PendingFields;
use crate::http::response_style::ResponseStyle;
use crate::throttle::Throttle;
use crate::throttle::define::Define;

/// The throttles of one handler and its own options, as the macros write them.
#[doc(hidden)]
pub trait HandlerThrottle: Send + Sync {
    /// The source of the hits. It does not name the throttles' types, which may be less visible
    /// than the handler, because an associated type may not be.
    const HIT_SOURCE: HitSource;

    /// The style of header fields on this handler; default: the throttles' own.
    const HEADERS: Option<HeaderStyle> = None;

    /// The response to refused requests on this handler; default: the throttles' own.
    const RESPONDER: Option<fn() -> Responder> = None;

    /// The spread of the wait that refused clients are told on this handler; default: the
    /// throttles' own.
    const SPREAD: Option<Duration> = None;

    /// `true` if these options call a function of the application.
    const HAS_CALLBACKS: bool = false;

    /// `true` if the cost for all throttles is a constant.
    const COST_IS_CONSTANT: bool = false;

    /// Returns `true` if the handler's throttles apply to a request.
    fn applies(parts: &Parts) -> impl Future<Output = Result<bool, Error>> + Send {
        let _ = parts;
        ready(Ok(true))
    }

    /// Returns the cost for every throttle; `None` for their own.
    fn cost(parts: &Parts) -> impl Future<Output = Result<Option<u64>, Error>> + Send {
        let _ = parts;
        ready(Ok(None))
    }
}

/// The options of a handler that sets none, and defines its throttle.
impl<T: Define> HandlerThrottle for T {
    const HIT_SOURCE: HitSource = HitSource::of_throttles::<T>();
}

/// Returns the header options of a handler.
pub(crate) const fn style_of<S: HandlerThrottle>() -> ResponseStyle {
    ResponseStyle {
        headers: S::HEADERS,
        responder: S::RESPONDER,
        spread: S::SPREAD,
    }
}

/// Returns the source of the cost for all throttles, where it is no closure.
pub(crate) const fn cost_source_of<S: HandlerThrottle>() -> CostSource {
    if S::COST_IS_CONSTANT {
        CostSource::Constant
    } else {
        CostSource::Head
    }
}

impl HitSource {
    /// The throttles `T` of the handler `S`, which has no closures over its arguments.
    pub const fn of<S: HandlerThrottle + 'static, T: Throttle>() -> Self {
        if S::HAS_CALLBACKS {
            Self(Source::Callbacks(|parts, _, hits| {
                Box::pin(add_hits::<S, T>(parts, hits))
            }))
        } else {
            Self::of_throttles::<T>()
        }
    }
}

async fn add_hits<S: HandlerThrottle, T: Throttle>(
    parts: &Parts,
    mut hits: HitSet,
) -> Result<HitSet, Error> {
    if !S::applies(parts).await? {
        return Ok(hits);
    }
    let cost = S::cost(parts).await?;
    hits.set_cost_source(cost_source_of::<S>());
    T::add_hits(parts, cost, &mut hits).await?;
    Ok(hits)
}

/// An extractor that lets a request pass if its throttles admit it. It holds the header fields.
#[doc(hidden)]
pub struct ThrottleExtractor<S> {
    /// The header fields for the response.
    pub fields: PendingFields,
    handler: PhantomData<fn() -> S>,
}

impl<S> ThrottleExtractor<S> {
    pub(super) const fn new(fields: PendingFields) -> Self {
        Self {
            fields,
            handler: PhantomData,
        }
    }
}

impl<S: HandlerThrottle + 'static, State: Send + Sync> FromRequestParts<State>
    for ThrottleExtractor<S>
{
    type Rejection = Response;

    fn from_request_parts(
        parts: &mut Parts,
        _: &State,
    ) -> impl Future<Output = Result<Self, Response>> + Send {
        let state = RequestState::join(&mut parts.extensions);
        ExtractorFuture {
            fields: pass_source(S::HIT_SOURCE, parts, Some(state), style_of::<S>()).into_future(),
            handler: PhantomData,
        }
    }
}

/// The future of an extractor. It is compiled for every handler, so it only adds the type.
struct ExtractorFuture<'a, S> {
    fields: FlowFuture<'a, Passed>,
    handler: PhantomData<fn() -> S>,
}

impl<S> Future for ExtractorFuture<'_, S> {
    type Output = Result<ThrottleExtractor<S>, Response>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match Pin::new(&mut Pin::into_inner(self).fields).poll(context) {
            Poll::Ready(Ok(fields)) => Poll::Ready(Ok(ThrottleExtractor::new(fields))),
            Poll::Ready(Err(response)) => Poll::Ready(Err(response)),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Adds the header fields to the response of a handler.
#[doc(hidden)]
pub fn add_fields(fields: PendingFields, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    fields.write(&mut response);
    response
}

/// The return value of a handler with the header fields for its response, where the value's type
/// depends on the router.
#[doc(hidden)]
pub struct WithFields<T> {
    fields: PendingFields,
    value: T,
}

impl<T> WithFields<T> {
    /// Joins a value with its header fields.
    pub const fn new(fields: PendingFields, value: T) -> Self {
        Self { fields, value }
    }
}

impl<T: IntoResponse> IntoResponse for WithFields<T> {
    fn into_response(self) -> Response {
        add_fields(self.fields, self.value)
    }
}

impl<T> fmt::Debug for WithFields<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithFields").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for ThrottleExtractor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleExtractor").finish_non_exhaustive()
    }
}
