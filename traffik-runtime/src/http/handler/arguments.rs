//! All arguments of a handler, with its throttles before the last.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::extract::{FromRequest, FromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};

use crate::flow::Flow;
use crate::http::handler::extractor::{HandlerThrottle, style_of};
use crate::http::handler::hit_source::HitSource;
use crate::http::handler::last_argument::rejected;
use crate::http::handler::pass::pass_source;
use crate::http::handler::via_inner::ViaInner;
use crate::http::layer::request_state::RequestState;
use crate::http::pending_fields::PendingFields;
use crate::http::response_style::ResponseStyle;

/// All arguments of a handler. Its throttles decide after the arguments from the head, and before
/// the last, which may be the body.
///
/// They are one argument to axum. The code that runs the extractors in turn is compiled once for
/// each list of arguments, not once for each handler.
#[doc(hidden)]
pub struct ThrottledArgs<S, H, L> {
    /// The header fields for the response.
    pub fields: PendingFields,
    /// The arguments from the request's head.
    pub head: H,
    /// The last argument.
    pub last: L,
    handler: PhantomData<fn() -> S>,
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
        ArgsFuture {
            arguments: extract(request, state, S::HIT_SOURCE, style_of::<S>()),
            handler: PhantomData,
        }
    }
}

/// The arguments, without the type of their handler.
type Extracted<H, L> = Result<(PendingFields, H, L), Response>;

/// Extracts the arguments of any handler.
fn extract<H, L, State, M>(
    request: Request,
    app_state: &State,
    source: HitSource,
    style: ResponseStyle,
) -> impl Future<Output = Extracted<H, L>> + Send
where
    H: FromRequestParts<State> + Send,
    L: FromRequest<State, M> + Send,
    State: Send + Sync,
{
    let (mut parts, body) = request.into_parts();
    async move {
        let head = H::from_request_parts(&mut parts, app_state).await;
        // Other extractors may have counted the request, so their fields are in every response.
        let state = RequestState::joined(&mut parts.extensions);
        let head = head.map_err(|rejection| rejected(rejection, state.as_ref()))?;
        let fields = match pass_source(source, &parts, state, style) {
            Flow::Ready(fields) => fields?,
            Flow::Pending(fields) => fields.await?,
        };
        match L::from_request(Request::from_parts(parts, body), app_state).await {
            Ok(last) => Ok((fields, head, last)),
            Err(rejection) => {
                let mut response = rejection.into_response();
                fields.write(&mut response);
                Err(response)
            }
        }
    }
}

pin_project_lite::pin_project! {
    /// The future of the arguments. It is compiled for every handler, so it only adds the type.
    struct ArgsFuture<S, A> {
        #[pin]
        arguments: A,
        handler: PhantomData<fn() -> S>,
    }
}

impl<S, H, L, A: Future<Output = Extracted<H, L>>> Future for ArgsFuture<S, A> {
    type Output = Result<ThrottledArgs<S, H, L>, Response>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().arguments.poll(context) {
            Poll::Ready(Ok((fields, head, last))) => Poll::Ready(Ok(ThrottledArgs {
                fields,
                head,
                last,
                handler: PhantomData,
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
