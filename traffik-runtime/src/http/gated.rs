//! What `#[throttled]` puts in place of a handler's arguments.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::extract::{FromRequest, FromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};

use super::bundle::Via;
use super::gate::{Gate, Site, Use, passed};
use super::kept::Kept;
use super::told::Manner;

/// All arguments of a handler, with its gate between those of the head and the last, which may be the body.
///
/// They are one argument to axum: what runs one extractor after the other is compiled once for each list of arguments, not
/// once for each handler.
#[doc(hidden)]
pub struct Gated<S, H, L> {
    /// What to tell the client.
    pub told: Kept,
    /// The arguments from the request's head.
    pub head: H,
    /// The last argument.
    pub last: L,
    site: PhantomData<fn() -> S>,
}

/// What there is of them before it is known whose they are.
type Arguments<'a, H, L> =
    Pin<Box<dyn Future<Output = Result<(Kept, H, L), Response>> + Send + 'a>>;

/// The extraction for one handler. It is compiled for every handler, so there is next to nothing of it.
struct Extracting<'a, S, H, L> {
    arguments: Arguments<'a, H, L>,
    site: PhantomData<fn() -> S>,
}

impl<S, H, L, State, M> FromRequest<State, Via<M>> for Gated<S, H, L>
where
    S: Site + 'static,
    H: FromRequestParts<State> + Send + 'static,
    L: FromRequest<State, M> + Send + 'static,
    State: Send + Sync,
    M: 'static,
{
    type Rejection = Response;

    fn from_request(
        request: Request,
        state: &State,
    ) -> impl Future<Output = Result<Self, Response>> + Send {
        Extracting {
            arguments: extract(request, state, Gate::<S>::USE, Gate::<S>::MANNER),
            site: PhantomData,
        }
    }
}

/// Extracts the arguments, for whatever handler.
fn extract<'a, H, L, State, M>(
    request: Request,
    state: &'a State,
    site: Use,
    manner: Manner,
) -> Arguments<'a, H, L>
where
    H: FromRequestParts<State> + Send + 'static,
    L: FromRequest<State, M> + Send + 'static,
    State: Send + Sync,
    M: 'static,
{
    Box::pin(async move {
        let (mut parts, body) = request.into_parts();
        let head = H::from_request_parts(&mut parts, state).await;
        let head = head.map_err(IntoResponse::into_response)?;
        let told = passed(&parts, site, manner).await;
        let told = told.map_err(IntoResponse::into_response)?;
        match L::from_request(Request::from_parts(parts, body), state).await {
            Ok(last) => Ok((told, head, last)),
            Err(rejection) => {
                let mut response = rejection.into_response();
                told.write_to(&mut response);
                Err(response)
            }
        }
    })
}

impl<S, H, L> Future for Extracting<'_, S, H, L> {
    type Output = Result<Gated<S, H, L>, Response>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let arguments = Pin::into_inner(self).arguments.as_mut();
        arguments.poll(context).map_ok(|(told, head, last)| Gated {
            told,
            head,
            last,
            site: PhantomData,
        })
    }
}

impl<S, H, L> fmt::Debug for Gated<S, H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gated").finish_non_exhaustive()
    }
}
