//! Errors of an application's functions that answer the request themselves.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::{Body, to_bytes};
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use parking_lot::Mutex;

use crate::callback::asyncness::Probe;
use crate::callback::output::BoxError;
use crate::error::Error;
use crate::rejection::Rejection;

/// The response that an error stands for, as the source of an [`Error::Identifier`].
#[doc(hidden)]
pub struct ErrorResponse {
    status: StatusCode,
    /// `None` once it was sent.
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

    /// The response that an error carries, if it carries one.
    pub(crate) fn of(error: &Error) -> Option<&Self> {
        match error {
            Error::Identifier { source, .. } => source.downcast_ref(),
            _ => None,
        }
    }

    /// Takes the response out of an error that came through a `Box<dyn Error>`.
    pub(crate) fn unwrap(source: BoxError) -> BoxError {
        match source.downcast::<Error>().map(|error| *error) {
            Ok(Error::Identifier { source, .. }) if source.is::<Self>() => source,
            Ok(error) => error.into(),
            Err(source) => match source.downcast::<Rejection>() {
                Ok(rejection) => Self::new(*rejection).into(),
                Err(source) => source,
            },
        }
    }

    /// Reads the whole body, so that [`take`](Self::take) need not wait for it.
    pub(crate) async fn read(&self) {
        let Some(response) = self.response.lock().take() else {
            return;
        };
        let response = whole(*response).await.map(Body::from);
        *self.response.lock() = Some(Box::new(response));
    }

    /// Takes the response; of a body that is not there yet nothing.
    pub(crate) fn take(&self) -> http::Response<Bytes> {
        let response = *self.response.lock().take().unwrap_or_default();
        let mut empty = http::Response::new(Bytes::new());
        *empty.status_mut() = self.status;
        *empty.headers_mut() = response.headers().clone();
        match pin!(whole(response)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(response) => response,
            Poll::Pending => empty,
        }
    }
}

async fn whole(response: Response) -> http::Response<Bytes> {
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await;
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

/// An answer whose error, if it has one, is a `Box<dyn Error>` to be.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// An answer whose error is a response.
#[derive(Clone, Copy, Debug)]
pub struct Responding;

/// Finds errors that are texts: they are responses too, but say what went wrong and would be sent with 200.
pub trait TextKind {
    /// Names the kind of an error that is a text.
    fn __traffik_error(&self) -> Plain {
        Plain
    }
}

/// Finds errors that are responses.
pub trait RespondingKind {
    /// Names the kind of an error that is a response.
    fn __traffik_error(&self) -> Responding {
        Responding
    }
}

/// Finds everything else.
pub trait PlainKind {
    /// Names the kind of an answer without an error, or with one that is no response.
    fn __traffik_error(&self) -> Plain {
        Plain
    }
}

macro_rules! texts {
    ($($text:ty),+) => {$(
        impl<T> TextKind for &Probe<Result<T, $text>> {}
    )+};
}

texts!((), &str, String, Box<str>, std::borrow::Cow<'_, str>);

impl<T, E: IntoResponse> RespondingKind for &&Probe<Result<T, E>> {}
impl<A> PlainKind for Probe<A> {}

impl Plain {
    /// The answer as it is.
    pub fn keep<A>(self, answer: A) -> A {
        answer
    }
}

impl Responding {
    /// The answer, with the response of its error.
    pub fn keep<T, E: IntoResponse>(self, answer: Result<T, E>) -> Result<T, ErrorResponse> {
        answer.map_err(ErrorResponse::new)
    }
}
