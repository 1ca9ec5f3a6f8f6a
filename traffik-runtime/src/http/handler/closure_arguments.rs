//! The arguments of a handler with closures over them, which compute the identity or the cost.
//!
//! The code that extracts arguments is compiled once for each list of arguments, not once for each
//! handler: it takes the handler's own code as function pointers.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::extract::{FromRequest, FromRequestParts, Request};
use axum_core::response::Response;
use http::request::Parts;

use crate::engine::arg_values::ClosureValues;
use crate::engine::hit_set::HitSet;
use crate::error::Error;
use crate::flow::Flow;
use crate::http::handler::closure_hits::ClosureHits;
use crate::http::handler::extractor::{HandlerThrottle, ThrottleExtractor, style_of};
use crate::http::handler::last_argument::rejected;
use crate::http::handler::pass::pass;
use crate::http::handler::via_inner::ViaInner;
use crate::http::layer::request_state::RequestState;
use crate::http::pending_fields::PendingFields;
use crate::http::response_style::ResponseStyle;
use crate::throttle::Exclude;

/// The throttles of a handler whose identifier or cost is a closure over these arguments.
#[doc(hidden)]
pub trait ArgClosures<A>: HandlerThrottle {
    /// The predicates of the throttle that the handler defines, which are called before the
    /// closures; `None` if it has none.
    const EXCLUDE: Option<Exclude> = None;

    /// Calls the closures.
    fn arg_values(arguments: &A) -> ClosureValues<'_>;
}

/// Arguments from the request's head, and the extractor whose closures take them.
#[doc(hidden)]
pub struct HeadArgs<S, A>(pub ThrottleExtractor<S>, pub A);

/// Arguments from the request's head and the last argument, which may be the body and is read
/// before the decision, and the extractor whose closures take them.
#[doc(hidden)]
pub struct AllArgs<S, A, L>(pub ThrottleExtractor<S>, pub A, pub L);

/// The code of a handler with closures over its arguments `A`.
struct Closures<A> {
    values: fn(&A) -> ClosureValues<'_>,
    hits: ClosureHits,
    style: ResponseStyle,
}

impl<A> Closures<A> {
    const fn of<S: ArgClosures<A> + 'static>() -> Self {
        Self {
            values: S::arg_values,
            hits: ClosureHits::of::<S>(S::EXCLUDE),
            style: style_of::<S>(),
        }
    }
}

impl<S, A, State> FromRequestParts<State> for HeadArgs<S, A>
where
    S: ArgClosures<A> + 'static,
    A: FromRequestParts<State> + Send,
    State: Send + Sync,
{
    type Rejection = Response;

    fn from_request_parts(
        parts: &mut Parts,
        app_state: &State,
    ) -> impl Future<Output = Result<Self, Response>> + Send {
        ArgsFuture {
            arguments: extract_head(parts, app_state, const { Closures::of::<S>() }),
            handler: PhantomData::<fn() -> Self>,
        }
    }
}

impl<S, A, L, State, M> FromRequest<State, ViaInner<M>> for AllArgs<S, A, L>
where
    S: ArgClosures<(A, L)> + 'static,
    A: FromRequestParts<State> + Send,
    L: FromRequest<State, M> + Send,
    State: Send + Sync,
{
    type Rejection = Response;

    fn from_request(
        request: Request,
        app_state: &State,
    ) -> impl Future<Output = Result<Self, Response>> + Send {
        ArgsFuture {
            arguments: extract_all(request, app_state, const { Closures::of::<S>() }),
            handler: PhantomData::<fn() -> Self>,
        }
    }
}

/// Extracts arguments that closures take, and the decision.
async fn extract_head<A, State>(
    parts: &mut Parts,
    app_state: &State,
    closures: Closures<A>,
) -> Result<(PendingFields, A), Response>
where
    A: FromRequestParts<State> + Send,
    State: Send + Sync,
{
    let state = RequestState::join(&mut parts.extensions);
    let arguments = A::from_request_parts(parts, app_state).await;
    let arguments = arguments.map_err(|rejection| rejected(rejection, Some(&state)))?;
    let Closures {
        values,
        hits,
        style,
    } = closures;
    let hits = match hits.without_closures(parts).await {
        Ok(None) => hits.with_values(parts, values(&arguments)).await,
        hits => hits.map(Option::unwrap_or_default),
    };
    let fields = decide(hits, parts, &state, style).await?;
    Ok((fields, arguments))
}

/// Extracts arguments that closures take, the last of which may read the body, and the decision.
async fn extract_all<A, L, State, M>(
    request: Request,
    app_state: &State,
    closures: Closures<(A, L)>,
) -> Result<(PendingFields, (A, L)), Response>
where
    A: FromRequestParts<State> + Send,
    L: FromRequest<State, M> + Send,
    State: Send + Sync,
{
    let (mut parts, body) = request.into_parts();
    let state = RequestState::join(&mut parts.extensions);
    let head = A::from_request_parts(&mut parts, app_state).await;
    let head = head.map_err(|rejection| rejected(rejection, Some(&state)))?;
    let Closures {
        values,
        hits,
        style,
    } = closures;
    let last = async |parts| {
        let last = L::from_request(Request::from_parts(parts, body), app_state).await;
        last.map_err(|rejection| rejected(rejection, Some(&state)))
    };
    match hits.without_closures(&parts).await {
        Ok(None) => {
            let mut copy = parts.clone();
            copy.extensions.insert(state.share());
            let arguments = (head, last(parts).await?);
            let hits = hits.with_values(&copy, values(&arguments)).await;
            let fields = decide(hits, &copy, &state, style).await?;
            Ok((fields, arguments))
        }
        // No closure takes the body, so it is read only if the request is admitted.
        hits => {
            let hits = hits.map(Option::unwrap_or_default);
            let fields = decide(hits, &parts, &state, style).await?;
            Ok((fields, (head, last(parts).await?)))
        }
    }
}

async fn decide(
    hits: Result<HitSet, Error>,
    parts: &Parts,
    state: &RequestState,
    style: ResponseStyle,
) -> Result<PendingFields, Response> {
    let fields = pass(Flow::Ready(hits), parts, Some(state.share()), style);
    fields.await
}

pin_project_lite::pin_project! {
    /// The future of the arguments. It is compiled for every handler, so it only adds the type.
    struct ArgsFuture<T, F> {
        #[pin]
        arguments: F,
        handler: PhantomData<fn() -> T>,
    }
}

impl<S, A, F> Future for ArgsFuture<HeadArgs<S, A>, F>
where
    F: Future<Output = Result<(PendingFields, A), Response>>,
{
    type Output = Result<HeadArgs<S, A>, Response>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().arguments.poll(context) {
            Poll::Ready(Ok((fields, arguments))) => {
                Poll::Ready(Ok(HeadArgs(ThrottleExtractor::new(fields), arguments)))
            }
            Poll::Ready(Err(response)) => Poll::Ready(Err(response)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S, A, L, F> Future for ArgsFuture<AllArgs<S, A, L>, F>
where
    F: Future<Output = Result<(PendingFields, (A, L)), Response>>,
{
    type Output = Result<AllArgs<S, A, L>, Response>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().arguments.poll(context) {
            Poll::Ready(Ok((fields, (head, last)))) => {
                Poll::Ready(Ok(AllArgs(ThrottleExtractor::new(fields), head, last)))
            }
            Poll::Ready(Err(response)) => Poll::Ready(Err(response)),
            Poll::Pending => Poll::Pending,
        }
    }
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
