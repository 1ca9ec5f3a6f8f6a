//! What `#[throttled]` puts in place of a handler's arguments where closures look at them.

use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;

use axum_core::extract::{FromRequest, FromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::engine::arg_values::ArgValues;
use crate::engine::hit::Asking;
use crate::error::Error;
use crate::http::handler::extractor::{AddHits, HandlerThrottle, ThrottleExtractor, site_source};
use crate::http::handler::last_argument::rejected;
use crate::http::layer::request_state::Trail;

/// A use of throttles whose identifier or cost looks at these arguments of the handler.
#[doc(hidden)]
pub trait ArgClosures<A>: HandlerThrottle {
    /// Returns the hits on the throttles, once the closures have answered.
    const ADD_HITS: AddHits;

    /// What to go on with where the closures need not be asked.
    fn without_closures(
        parts: &Parts,
    ) -> impl Future<Output = Result<Option<ArgValues>, Error>> + Send {
        let _ = parts;
        ready(Ok(None))
    }

    /// What the closures say.
    fn arg_values(arguments: &A) -> impl Future<Output = Result<ArgValues, Error>> + Send;
}

/// Arguments from the request's head, and the gate that looks at them.
#[doc(hidden)]
pub struct HeadArgs<S, A>(pub ThrottleExtractor<S>, pub A);

/// The same with the last argument, which may be the body: it is read before the decision is made.
#[doc(hidden)]
pub struct AllArgs<S, A, L>(pub ThrottleExtractor<S>, pub A, pub L);

/// That a [`AllArgs`] is extracted by whatever its last argument is extracted by.
#[doc(hidden)]
#[derive(Debug)]
pub struct ViaInner<M>(PhantomData<fn() -> M>);

impl<S, A, State> FromRequestParts<State> for HeadArgs<S, A>
where
    S: ArgClosures<A>,
    A: FromRequestParts<State> + Send,
    State: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let trail = Trail::join(&mut parts.extensions);
        let arguments = A::from_request_parts(parts, state).await;
        let arguments = arguments.map_err(|rejection| rejected(rejection, Some(&trail)))?;
        let asking = match early::<S, A>(parts).await {
            Ok(None) => asking::<S, A>(parts, S::arg_values(&arguments)).await,
            early => early.map(Option::unwrap_or_default),
        };
        let gate = gate(asking, parts).await?;
        Ok(Self(gate, arguments))
    }
}

impl<S, A, L, State, M> FromRequest<State, ViaInner<M>> for AllArgs<S, A, L>
where
    S: ArgClosures<(A, L)>,
    A: FromRequestParts<State> + Send,
    L: FromRequest<State, M> + Send,
    State: Send + Sync,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &State) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let trail = Trail::join(&mut parts.extensions);
        let head = A::from_request_parts(&mut parts, state).await;
        let head = head.map_err(|rejection| rejected(rejection, Some(&trail)))?;
        match early::<S, (A, L)>(&parts).await {
            Ok(None) => {
                let mut seen = parts.clone();
                seen.extensions.insert(trail.share());
                let last = last(Request::from_parts(parts, body), &trail, state).await?;
                let arguments = (head, last);
                let asking = asking::<S, (A, L)>(&seen, S::arg_values(&arguments)).await;
                let gate = gate(asking, &seen).await?;
                Ok(Self(gate, arguments.0, arguments.1))
            }
            // Nobody looks at the body, so it is read only if the request is admitted.
            early => {
                let asking = early.map(Option::unwrap_or_default);
                let gate = gate(asking, &parts).await?;
                let last = last(Request::from_parts(parts, body), &trail, state).await?;
                Ok(Self(gate, head, last))
            }
        }
    }
}

async fn gate<S: HandlerThrottle>(
    asking: Result<Asking, Error>,
    parts: &Parts,
) -> Result<ThrottleExtractor<S>, Response> {
    let gate = ThrottleExtractor::pass(asking, parts).await;
    gate.map_err(IntoResponse::into_response)
}

async fn last<L, State, M>(request: Request, trail: &Trail, state: &State) -> Result<L, Response>
where
    L: FromRequest<State, M>,
    State: Send + Sync,
{
    let last = L::from_request(request, state).await;
    last.map_err(|rejection| rejected(rejection, Some(trail)))
}

/// What is asked where the closures need not be.
async fn early<S: ArgClosures<A>, A>(parts: &Parts) -> Result<Option<Asking>, Error> {
    if !S::applies(parts).await? {
        return Ok(Some(Asking::default()));
    }
    match S::without_closures(parts).await? {
        Some(given) => asking::<S, A>(parts, ready(Ok(given))).await.map(Some),
        None => Ok(None),
    }
}

async fn asking<S: ArgClosures<A>, A>(
    parts: &Parts,
    given: impl Future<Output = Result<ArgValues, Error>>,
) -> Result<Asking, Error> {
    let given = given.await?;
    let (cost, source) = match given.cost_for_all() {
        Some((cost, source)) => (Some(cost), source),
        None => (S::cost(parts).await?, site_source::<S>()),
    };
    let mut asking = Asking::with(given);
    asking.set_cost_source(source);
    (S::ADD_HITS)(parts, cost, &mut asking).await?;
    Ok(asking)
}

impl<S, A> fmt::Debug for HeadArgs<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HeadArgs")
            .field(&self.0)
            .finish_non_exhaustive()
    }
}

impl<S, A, L> fmt::Debug for AllArgs<S, A, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AllArgs")
            .field(&self.0)
            .finish_non_exhaustive()
    }
}
