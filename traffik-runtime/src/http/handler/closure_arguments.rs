//! The arguments of a handler with closures over them, which compute the identity or the cost.

use std::fmt;
use std::future::{Future, ready};

use axum_core::extract::{FromRequest, FromRequestParts, Request};
use axum_core::response::Response;
use http::request::Parts;

use crate::engine::arg_values::ArgValues;
use crate::engine::hit_set::HitSet;
use crate::error::Error;
use crate::flow::Flow;
use crate::http::handler::extractor::{
    HandlerThrottle, ThrottleExtractor, cost_source_of, style_of,
};
use crate::http::handler::last_argument::rejected;
use crate::http::handler::pass::pass;
use crate::http::handler::via_inner::ViaInner;
use crate::http::layer::request_state::RequestState;
use crate::throttle::AddHits;

/// The throttles of a handler whose identifier or cost is a closure over these arguments.
#[doc(hidden)]
pub trait ArgClosures<A>: HandlerThrottle {
    /// Adds the hits, with the values of the closures.
    const ADD_HITS: AddHits;

    /// Returns the values where no closure needs to be called; `None` if they are called.
    fn without_closures(
        parts: &Parts,
    ) -> impl Future<Output = Result<Option<ArgValues>, Error>> + Send {
        let _ = parts;
        ready(Ok(None))
    }

    /// Calls the closures.
    fn arg_values(arguments: &A) -> impl Future<Output = Result<ArgValues, Error>> + Send;
}

/// Arguments from the request's head, and the extractor whose closures take them.
#[doc(hidden)]
pub struct HeadArgs<S, A>(pub ThrottleExtractor<S>, pub A);

/// Arguments from the request's head and the last argument, which may be the body and is read
/// before the decision, and the extractor whose closures take them.
#[doc(hidden)]
pub struct AllArgs<S, A, L>(pub ThrottleExtractor<S>, pub A, pub L);

impl<S, A, State> FromRequestParts<State> for HeadArgs<S, A>
where
    S: ArgClosures<A>,
    A: FromRequestParts<State> + Send,
    State: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app_state: &State) -> Result<Self, Response> {
        let state = RequestState::join(&mut parts.extensions);
        let arguments = A::from_request_parts(parts, app_state).await;
        let arguments = arguments.map_err(|rejection| rejected(rejection, Some(&state)))?;
        let hits = match hits_without_closures::<S, A>(parts).await {
            Ok(None) => hits::<S, A>(parts, S::arg_values(&arguments)).await,
            hits => hits.map(Option::unwrap_or_default),
        };
        let extractor = extractor(hits, parts, &state).await?;
        Ok(Self(extractor, arguments))
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

    async fn from_request(request: Request, app_state: &State) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let state = RequestState::join(&mut parts.extensions);
        let head = A::from_request_parts(&mut parts, app_state).await;
        let head = head.map_err(|rejection| rejected(rejection, Some(&state)))?;
        match hits_without_closures::<S, (A, L)>(&parts).await {
            Ok(None) => {
                let mut copy = parts.clone();
                copy.extensions.insert(state.share());
                let last = last(Request::from_parts(parts, body), &state, app_state).await?;
                let arguments = (head, last);
                let hits = hits::<S, (A, L)>(&copy, S::arg_values(&arguments)).await;
                let extractor = extractor(hits, &copy, &state).await?;
                Ok(Self(extractor, arguments.0, arguments.1))
            }
            // No closure takes the body, so it is read only if the request is admitted.
            hits => {
                let hits = hits.map(Option::unwrap_or_default);
                let extractor = extractor(hits, &parts, &state).await?;
                let last = last(Request::from_parts(parts, body), &state, app_state).await?;
                Ok(Self(extractor, head, last))
            }
        }
    }
}

async fn extractor<S: HandlerThrottle>(
    hits: Result<HitSet, Error>,
    parts: &Parts,
    state: &RequestState,
) -> Result<ThrottleExtractor<S>, Response> {
    let fields = pass(
        Flow::Ready(hits),
        parts,
        Some(state.share()),
        style_of::<S>(),
    );
    Ok(ThrottleExtractor::new(fields.await?))
}

async fn last<L, State, M>(
    request: Request,
    state: &RequestState,
    app_state: &State,
) -> Result<L, Response>
where
    L: FromRequest<State, M>,
    State: Send + Sync,
{
    let last = L::from_request(request, app_state).await;
    last.map_err(|rejection| rejected(rejection, Some(state)))
}

/// Returns the hits of a request for which no closure needs to be called.
async fn hits_without_closures<S: ArgClosures<A>, A>(
    parts: &Parts,
) -> Result<Option<HitSet>, Error> {
    if !S::applies(parts).await? {
        return Ok(Some(HitSet::default()));
    }
    match S::without_closures(parts).await? {
        Some(values) => hits::<S, A>(parts, ready(Ok(values))).await.map(Some),
        None => Ok(None),
    }
}

async fn hits<S: ArgClosures<A>, A>(
    parts: &Parts,
    values: impl Future<Output = Result<ArgValues, Error>>,
) -> Result<HitSet, Error> {
    let values = values.await?;
    let (cost, source) = match values.cost_for_all() {
        Some((cost, source)) => (Some(cost), source),
        None => (S::cost(parts).await?, cost_source_of::<S>()),
    };
    let mut hits = HitSet::with_arg_values(values);
    hits.set_cost_source(source);
    (S::ADD_HITS)(parts, cost, &mut hits).await?;
    Ok(hits)
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
