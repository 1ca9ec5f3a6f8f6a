//! The last argument of a handler whose throttles are arguments of their own.

use std::fmt;

use axum_core::extract::{FromRequest, FromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::http::handler::via_inner::ViaInner;
use crate::http::layer::request_state::RequestState;

/// The last argument of a handler, or one that a `cfg` can make the last. If it is rejected, the
/// response has the header fields of the decisions that were made before.
#[doc(hidden)]
pub struct LastArgument<L>(pub L);

impl<L, State> FromRequestParts<State> for LastArgument<L>
where
    L: FromRequestParts<State>,
    State: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app_state: &State) -> Result<Self, Response> {
        let last = L::from_request_parts(parts, app_state).await;
        last.map(Self).map_err(|rejection| {
            rejected(
                rejection,
                RequestState::joined(&mut parts.extensions).as_ref(),
            )
        })
    }
}

/// Extracts an argument that reads the body. As in axum, all others are extracted from the head.
impl<L, State> FromRequest<State, ViaInner<()>> for LastArgument<L>
where
    L: FromRequest<State>,
    State: Send + Sync,
{
    type Rejection = Response;

    async fn from_request(mut request: Request, app_state: &State) -> Result<Self, Response> {
        let state = RequestState::joined(request.extensions_mut());
        let last = L::from_request(request, app_state).await;
        last.map(Self)
            .map_err(|rejection| rejected(rejection, state.as_ref()))
    }
}

/// Returns the response to a request one of whose arguments is rejected, with the header fields of
/// the decisions that were made before.
pub(crate) fn rejected(rejection: impl IntoResponse, state: Option<&RequestState>) -> Response {
    let mut response = rejection.into_response();
    if let Some(state) = state {
        state.write(&mut response);
    }
    response
}

impl<L> fmt::Debug for LastArgument<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LastArgument").finish_non_exhaustive()
    }
}
