//! The last argument of a handler that has none.

use std::convert::Infallible;
use std::future::{Future, ready};

use axum_core::extract::{FromRequest, Request};

/// The last argument of a handler that has none. In its place `()` would take the head of the
/// request apart once more, in every handler's future.
#[doc(hidden)]
#[derive(Debug)]
pub struct NoArgument;

impl<State: Send + Sync> FromRequest<State> for NoArgument {
    type Rejection = Infallible;

    fn from_request(
        _: Request,
        _: &State,
    ) -> impl Future<Output = Result<Self, Infallible>> + Send {
        ready(Ok(Self))
    }
}
