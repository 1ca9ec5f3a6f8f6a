use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use super::body::ThrottleBody;
use crate::http::told::Told;
use crate::http::trail::Trail;

pin_project! {
    /// The response of a [`ThrottleService`](super::ThrottleService), to be.
    pub struct ThrottleFuture<F, R, E> {
        #[pin]
        state: State<F, R, E>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<F, R, E> {
        Passed {
            #[pin]
            response: F,
            told: Option<Told>,
            trail: Trail,
        },
        Later {
            response: Later<R, E>,
        },
    }
}

/// What has to be waited for before the service below is called, if it is.
pub(super) type Later<R, E> =
    Pin<Box<dyn Future<Output = Result<Response<ThrottleBody<R>>, E>> + Send>>;

impl<F, R, E> ThrottleFuture<F, R, E> {
    pub(super) fn passed(response: F, told: Option<Told>, trail: Trail) -> Self {
        Self {
            state: State::Passed {
                response,
                told,
                trail,
            },
        }
    }

    pub(super) fn later(response: Later<R, E>) -> Self {
        Self {
            state: State::Later { response },
        }
    }
}

impl<F, R, E> Future for ThrottleFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ThrottleBody<R>>, E>;

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

/// The response of what was let through, with what the client is told.
pub(super) fn told_of<R>(
    response: Response<R>,
    told: Option<Told>,
    trail: &Trail,
) -> Response<ThrottleBody<R>> {
    let mut response = response.map(ThrottleBody::passed);
    trail.write_layer(told, &mut response);
    response
}

impl<F, R, E> fmt::Debug for ThrottleFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleFuture").finish_non_exhaustive()
    }
}
