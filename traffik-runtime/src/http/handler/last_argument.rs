//! Arguments of a handler behind gates that are arguments of their own.

use std::fmt;

use axum_core::extract::{FromRequest, FromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::http::handler::closure_arguments::ViaInner;
use crate::http::layer::request_state::Trail;

/// The last argument of a handler, or one that a `cfg` can make the last. If it is rejected, the response
/// has the header fields of the decisions that were made before.
#[doc(hidden)]
pub struct LastArgument<L>(pub L);

impl<L, State> FromRequestParts<State> for LastArgument<L>
where
    L: FromRequestParts<State>,
    State: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let last = L::from_request_parts(parts, state).await;
        last.map(Self)
            .map_err(|rejection| rejected(rejection, Trail::joined(&mut parts.extensions).as_ref()))
    }
}

/// For those that read the body: as in axum, all others are extracted by their head alone.
impl<L, State> FromRequest<State, ViaInner<()>> for LastArgument<L>
where
    L: FromRequest<State>,
    State: Send + Sync,
{
    type Rejection = Response;

    async fn from_request(mut request: Request, state: &State) -> Result<Self, Response> {
        let trail = Trail::joined(request.extensions_mut());
        let last = L::from_request(request, state).await;
        last.map(Self)
            .map_err(|rejection| rejected(rejection, trail.as_ref()))
    }
}

/// Returns the response to a request one of whose arguments is rejected, with the header fields of the
/// decisions that were made before.
pub(crate) fn rejected(rejection: impl IntoResponse, trail: Option<&Trail>) -> Response {
    let mut response = rejection.into_response();
    if let Some(trail) = trail {
        trail.write(&mut response);
    }
    response
}

impl<L> fmt::Debug for LastArgument<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LastArgument").finish_non_exhaustive()
    }
}
