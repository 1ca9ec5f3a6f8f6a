//! What `#[throttled]` puts in place of a handler's arguments.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::extract::{FromRequest, FromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};

use crate::http::handler::closure_arguments::ViaInner;
use crate::http::handler::extractor::{HandlerThrottle, HitSource, ThrottleExtractor, passed};
use crate::http::handler::last_argument::rejected;
use crate::http::layer::request_state::Trail;
use crate::http::pending_fields::Kept;
use crate::http::response_fields::Manner;

/// All arguments of a handler, with its gate between those of the head and the last, which may be the body.
///
/// They are one argument to axum: what runs one extractor after the other is compiled once for each list of arguments, not
/// once for each handler.
#[doc(hidden)]
pub struct ThrottledArgs<S, H, L> {
    /// What to tell the client.
    pub fields: Kept,
    /// The arguments from the request's head.
    pub head: H,
    /// The last argument.
    pub last: L,
    site: PhantomData<fn() -> S>,
}

impl<S, H, L, State, M> FromRequest<State, ViaInner<M>> for ThrottledArgs<S, H, L>
where
    S: HandlerThrottle + 'static,
    H: FromRequestParts<State> + Send,
    L: FromRequest<State, M> + Send,
    State: Send + Sync,
{
    type Rejection = Response;

    fn from_request(
        request: Request,
        state: &State,
    ) -> impl Future<Output = Result<Self, Response>> + Send {
        Extracting {
            arguments: extract(
                request,
                state,
                S::HIT_SOURCE,
                ThrottleExtractor::<S>::MANNER,
            ),
            site: PhantomData,
        }
    }
}

/// What there is of them before it is known whose they are.
type Extracted<H, L> = Result<(Kept, H, L), Response>;

/// Extracts them, for whatever handler.
fn extract<H, L, State, M>(
    request: Request,
    state: &State,
    site: HitSource,
    manner: Manner,
) -> impl Future<Output = Extracted<H, L>> + Send
where
    H: FromRequestParts<State> + Send,
    L: FromRequest<State, M> + Send,
    State: Send + Sync,
{
    let (mut parts, body) = request.into_parts();
    async move {
        let head = H::from_request_parts(&mut parts, state).await;
        // Other extractors may have decided something: what was taken stays taken, so the client is told.
        let trail = Trail::joined(&mut parts.extensions);
        let head = head.map_err(|rejection| rejected(rejection, trail.as_ref()))?;
        let told = passed(&parts, trail, site, manner).await;
        let told = told.map_err(IntoResponse::into_response)?;
        match L::from_request(Request::from_parts(parts, body), state).await {
            Ok(last) => Ok((told, head, last)),
            Err(rejection) => {
                let mut response = rejection.into_response();
                told.write(&mut response);
                Err(response)
            }
        }
    }
}

pin_project_lite::pin_project! {
    /// The extraction for one handler. It is compiled for every handler, so there is next to nothing of it.
    struct Extracting<S, A> {
        #[pin]
        arguments: A,
        site: PhantomData<fn() -> S>,
    }
}

impl<S, H, L, A: Future<Output = Extracted<H, L>>> Future for Extracting<S, A> {
    type Output = Result<ThrottledArgs<S, H, L>, Response>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().arguments.poll(context) {
            Poll::Ready(Ok((told, head, last))) => Poll::Ready(Ok(ThrottledArgs {
                fields: told,
                head,
                last,
                site: PhantomData,
            })),
            Poll::Ready(Err(response)) => Poll::Ready(Err(response)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S, H, L> fmt::Debug for ThrottledArgs<S, H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottledArgs").finish_non_exhaustive()
    }
}
