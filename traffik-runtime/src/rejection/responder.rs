//! Responses of the application's own to those who are refused.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use axum_core::response::{IntoResponse, Response};

use crate::callback::asyncness::{Later, Now};
use crate::rejection::Rejection;

/// The response to a request that a throttle refuses: a `fn(&Rejection) -> impl IntoResponse`, async or not. Which of them
/// it is, its type says; nobody else implements it.
///
/// What it gives gets the header fields of the throttle, `Retry-After` and `Cache-Control: no-store`, where it has not set
/// them itself, and the status 429 if it says 200.
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
    message = "`{Self}` is no response to who is throttled",
    label = "not a `fn(&Rejection) -> impl IntoResponse`",
    note = "it is called with a `&traffik::Rejection`, and gives what implements `IntoResponse`, async or not"
)]
pub trait OnThrottled<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn responds(self) -> Arc<dyn Responds>;
}

/// An [`OnThrottled`] of whatever type.
#[doc(hidden)]
#[derive(Clone)]
pub struct Responder(Arc<dyn Responds>);

impl Responder {
    /// Forgets its type.
    pub fn new<M>(respond: impl OnThrottled<M>) -> Self {
        Self(respond.responds())
    }

    pub(crate) fn respond<'a>(&'a self, rejection: &'a Rejection) -> Responding<'a> {
        self.0.respond(rejection)
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Responder")
    }
}

#[doc(hidden)]
pub trait Responds: Send + Sync {
    /// The response.
    fn respond<'a>(&'a self, rejection: &'a Rejection) -> Responding<'a>;
}

type Responding<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// A function of a rejection of any lifetime that answers at once.
#[doc(hidden)]
pub trait Says<'a>: Send + Sync {
    /// What it gives.
    type Response: IntoResponse;

    /// Calls it.
    fn call(&self, rejection: &'a Rejection) -> Self::Response;
}

impl<'a, F, R> Says<'a> for F
where
    F: Fn(&'a Rejection) -> R + Send + Sync,
    R: IntoResponse,
{
    type Response = R;

    fn call(&self, rejection: &'a Rejection) -> R {
        self(rejection)
    }
}

struct AtOnce<F>(F);

impl<F: for<'a> Says<'a>> Responds for AtOnce<F> {
    fn respond<'a>(&'a self, rejection: &'a Rejection) -> Responding<'a> {
        let response = self.0.call(rejection).into_response();
        Box::pin(async { response })
    }
}

impl<F> OnThrottled<Now> for F
where
    F: for<'a> Says<'a> + 'static,
{
    fn responds(self) -> Arc<dyn Responds> {
        Arc::new(AtOnce(self))
    }
}

/// A function of a rejection of any lifetime whose answer has to be awaited.
#[doc(hidden)]
pub trait SaysLater<'a>: Send + Sync {
    /// What it gives.
    type Future: Future<Output: IntoResponse> + Send + 'a;

    /// Calls it.
    fn call(&self, rejection: &'a Rejection) -> Self::Future;
}

impl<'a, F, A> SaysLater<'a> for F
where
    F: Fn(&'a Rejection) -> A + Send + Sync,
    A: Future<Output: IntoResponse> + Send + 'a,
{
    type Future = A;

    fn call(&self, rejection: &'a Rejection) -> A {
        self(rejection)
    }
}

struct Awaited<F>(F);

impl<F: for<'a> SaysLater<'a>> Responds for Awaited<F> {
    fn respond<'a>(&'a self, rejection: &'a Rejection) -> Responding<'a> {
        let answer = self.0.call(rejection);
        Box::pin(async { answer.await.into_response() })
    }
}

impl<F> OnThrottled<Later> for F
where
    F: for<'a> SaysLater<'a> + 'static,
{
    fn responds(self) -> Arc<dyn Responds> {
        Arc::new(Awaited(self))
    }
}
