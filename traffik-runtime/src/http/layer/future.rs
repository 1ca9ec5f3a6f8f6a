//! The future of a layer's response.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::{fmt, mem};

use axum_core::body::Body;
use axum_core::response::Response;
use bytes::Bytes;
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;

use crate::flow::BoxFuture;
use crate::http::layer::body::BoxError;
use crate::http::layer::request_state::RequestState;
use crate::http::response_fields::ResponseFields;

pin_project! {
    /// The future of a [`ThrottleService`](crate::http::layer::service::ThrottleService)'s
    /// response.
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
            fields: ResponseFields,
            request_state: RequestState,
        },
        Refused {
            response: Option<Response>,
        },
        Pending {
            response: BoxFuture<'static, Result<Response, E>>,
        },
    }
}

impl<F, E> ThrottleFuture<F, E> {
    /// The future of a request that the service below answers.
    pub(super) fn passed(response: F, fields: ResponseFields, request_state: RequestState) -> Self {
        Self {
            state: State::Passed {
                response,
                fields,
                request_state,
            },
        }
    }

    /// The future of a request that is refused.
    pub(super) fn refused(response: http::Response<Bytes>) -> Self {
        let response = Some(response.map(Body::from));
        Self {
            state: State::Refused { response },
        }
    }

    /// The future of a request that is awaited before the service below is called.
    pub(super) fn pending(response: BoxFuture<'static, Result<Response, E>>) -> Self {
        Self {
            state: State::Pending { response },
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
                fields,
                request_state,
            } => {
                let response = response.poll(context);
                response.map_ok(|response| with_fields(response, mem::take(fields), request_state))
            }
            Projected::Refused { response } => response
                .take()
                .map_or(Poll::Pending, |it| Poll::Ready(Ok(it))),
            Projected::Pending { response } => response.as_mut().poll(context),
        }
    }
}

/// Returns the response to an admitted request, with its header fields. A body of axum's passes
/// through unchanged, any other is boxed.
pub(super) fn with_fields<R>(
    response: http::Response<R>,
    fields: ResponseFields,
    state: &RequestState,
) -> Response
where
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let mut response = response.map(Body::new);
    state.write_layer(fields, &mut response);
    response
}

impl<F, E> fmt::Debug for ThrottleFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleFuture").finish_non_exhaustive()
    }
}
