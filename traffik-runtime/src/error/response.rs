//! A response as an error: callbacks return it to answer the request themselves.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use parking_lot::Mutex;

/// The response that the error of a callback stands for.
#[doc(hidden)]
pub struct ErrorResponse {
    status: StatusCode,
    /// The response; `None` once it was sent.
    response: Mutex<Option<Box<Response>>>,
}

impl ErrorResponse {
    pub(crate) fn new(error: impl IntoResponse) -> Self {
        let response = error.into_response();
        Self {
            status: response.status(),
            response: Mutex::new(Some(Box::new(response))),
        }
    }

    /// Reads the whole body, so that [`take`](Self::take) need not wait for it.
    pub(crate) async fn read(&self) {
        let Some(response) = self.response.lock().take() else {
            return;
        };
        let response = with_bytes(*response).await.map(Body::from);
        *self.response.lock() = Some(Box::new(response));
    }

    /// Takes the response out. It is empty if its body is not ready.
    pub(crate) fn take(&self) -> http::Response<Bytes> {
        let response = *self.response.lock().take().unwrap_or_default();
        let mut empty = http::Response::new(Bytes::new());
        *empty.status_mut() = self.status;
        *empty.headers_mut() = response.headers().clone();
        match pin!(with_bytes(response)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(response) => response,
            Poll::Pending => empty,
        }
    }
}

async fn with_bytes(response: Response) -> http::Response<Bytes> {
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await;
    http::Response::from_parts(head, body.unwrap_or_default())
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the request is answered with {}", self.status)
    }
}

impl fmt::Debug for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl StdError for ErrorResponse {}
