//! Errors of callbacks that are responses, distinguished from others by their types.

use axum_core::response::IntoResponse;

use crate::callback::asyncness::Probe;
use crate::error::response::ErrorResponse;

/// A value without an error, or with one that becomes a `Box<dyn Error>`.
#[derive(Clone, Copy, Debug)]
pub struct NoResponse;

/// A value whose error is a response.
#[derive(Clone, Copy, Debug)]
pub struct HasResponse;

/// Selects errors that are texts: they are responses too, but name a mistake, and would be sent
/// with status 200.
pub trait TextKind {
    /// Returns the kind of an error that is a text.
    fn __traffik_error(&self) -> NoResponse {
        NoResponse
    }
}

/// Selects errors that are responses.
pub trait ResponseKind {
    /// Returns the kind of an error that is a response.
    fn __traffik_error(&self) -> HasResponse {
        HasResponse
    }
}

/// Selects everything else.
pub trait NoResponseKind {
    /// Returns the kind of a value without an error, or with one that is not a response.
    fn __traffik_error(&self) -> NoResponse {
        NoResponse
    }
}

macro_rules! texts {
    ($($text:ty),+) => {$(
        impl<T> TextKind for &Probe<Result<T, $text>> {}
    )+};
}

texts!((), &str, String, Box<str>, std::borrow::Cow<'_, str>);

impl<T, E: IntoResponse> ResponseKind for &&Probe<Result<T, E>> {}
impl<A> NoResponseKind for Probe<A> {}

impl NoResponse {
    /// Returns the value unchanged.
    pub fn keep_response<A>(self, value: A) -> A {
        value
    }
}

impl HasResponse {
    /// Replaces the error with its response.
    pub fn keep_response<T, E: IntoResponse>(
        self,
        value: Result<T, E>,
    ) -> Result<T, ErrorResponse> {
        value.map_err(ErrorResponse::new)
    }
}
