use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::body::Body;
use axum_core::response::Response;
use bytes::Bytes;
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;

use crate::http::layer::request_state::Trail;
use crate::http::layer::service::BoxError;
use crate::http::response_fields::Told;

pin_project! {
    /// The response of a [`ThrottleService`](crate::http::layer::service::ThrottleService), to be.
    pub struct ThrottleFuture<F, E> {
        #[pin]
        state: State<F, E>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<F, E> {
        Passed {
            #[pin]
            response: F,
            told: Option<Told>,
            trail: Trail,
        },
        Later {
            response: Later<E>,
        },
    }
}

/// What has to be waited for before the service below is called, if it is.
pub(super) type Later<E> = Pin<Box<dyn Future<Output = Result<Response, E>> + Send>>;

impl<F, E> ThrottleFuture<F, E> {
    pub(super) fn passed(response: F, told: Option<Told>, trail: Trail) -> Self {
        Self {
            state: State::Passed {
                response,
                told,
                trail,
            },
        }
    }

    pub(super) fn later(response: Later<E>) -> Self {
        Self {
            state: State::Later { response },
        }
    }
}

impl<F, R, E> Future for ThrottleFuture<F, E>
where
    F: Future<Output = Result<http::Response<R>, E>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Passed {
                response,
                told,
                trail,
            } => {
                let response = response.poll(context);
                response.map_ok(|response| told_of(response, told.take(), trail))
            }
            Projected::Later { response } => response.as_mut().poll(context),
        }
    }
}

/// Returns the response of an admitted request, with its header fields. A body of axum's passes through as it is, any
/// other is boxed.
pub(super) fn told_of<R>(response: http::Response<R>, told: Option<Told>, trail: &Trail) -> Response
where
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let mut response = response.map(Body::new);
    trail.write_layer(told, &mut response);
    response
}

impl<F, E> fmt::Debug for ThrottleFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleFuture").finish_non_exhaustive()
    }
}
