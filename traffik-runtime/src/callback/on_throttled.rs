//! `OnThrottled`: the functions that make the response to a refused request.

use axum_core::response::Response;

use crate::callback::Callback;
use crate::flow::Flow;
use crate::rejection::Rejection;

callback_trait! {
    /// The response to a request that a throttle refuses: a `fn(&Rejection) -> impl IntoResponse`,
    /// sync or async. Every such function implements it, and nothing else can.
    ///
    /// The response gets the header fields of the throttle, `Retry-After` and `Cache-Control:
    /// no-store` unless it sets them itself, and status 429 if its own is 200.
    ///
    /// ```
    /// use http::StatusCode;
    /// use traffik::{Backend, Rejection};
    ///
    /// fn slow_down(rejection: &Rejection) -> (StatusCode, String) {
    ///     (StatusCode::TOO_MANY_REQUESTS, format!("slow down: {rejection}\n"))
    /// }
    ///
    /// let backend = Backend::memory().on_throttled(slow_down);
    /// ```
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be used as `on_throttled`",
        label = "not a `fn(&Rejection) -> impl IntoResponse`",
        note = "the function takes a `&traffik::Rejection` and returns a type that implements `IntoResponse`; it may be async"
    )]
    OnThrottled: Rejection => Response
}

/// An [`OnThrottled`] of any type.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Responder(Callback<Rejection, Response>);

impl Responder {
    /// Forgets the function's type.
    pub fn new<M>(respond: impl OnThrottled<M>) -> Self {
        Self(respond.into_callback())
    }

    /// Makes the response to a refusal.
    pub(crate) fn respond<'a>(&'a self, rejection: &'a Rejection) -> Flow<'a, Response> {
        self.0.call(rejection)
    }
}
