//! Types that callbacks may return, with one trait for each option, so that the compiler can name
//! the option in its message.

use std::borrow::Cow;

use axum_core::response::{IntoResponse, Response};

use crate::error::response::ErrorResponse;
use crate::error::{BoxError, Error};
use crate::identity::Identity;
use crate::rate::Rate;
use crate::rejection::Rejection;
use crate::scope::Scope;

/// A type that a [`Callback`](crate::callback::Callback) with the output `Out` may return.
pub trait IntoOutput<Out> {
    /// Converts the returned value.
    fn into_output(self) -> Out;
}

#[diagnostic::do_not_recommend]
impl<A: IntoIdentityResult> IntoOutput<Result<Identity, Error>> for A {
    fn into_output(self) -> Result<Identity, Error> {
        parse_identity("identifier", self)
    }
}

#[diagnostic::do_not_recommend]
impl<A: IntoBool> IntoOutput<Result<bool, Error>> for A {
    fn into_output(self) -> Result<bool, Error> {
        parse_bool("predicate", self)
    }
}

#[diagnostic::do_not_recommend]
impl<A: IntoResponse> IntoOutput<Response> for A {
    fn into_output(self) -> Response {
        self.into_response()
    }
}

/// A type that identifies a client: `impl Into<Identity>` or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be converted into an `Identity`",
    label = "returns `{Self}`, which does not identify a client",
    note = "return an `Identity`, or a type that converts into one: `String`, `&str`, `u64`, `IpAddr`",
    note = "the function may be async, and may return a `Result` whose error is `IntoResponse` or `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait IntoIdentityResult {
    /// Converts the returned value.
    fn into_result(self) -> Result<Identity, BoxError>;
}

/// A type that is a cost: an unsigned integer or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as a cost",
    label = "returns `{Self}`, which is not an unsigned integer",
    note = "return an unsigned integer: `u8`, `u16`, `u32`, `u64` or `usize`; a literal without a suffix is an `i32`, so write `1_u64`",
    note = "the function may be async, and may return a `Result` whose error is `IntoResponse` or `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait IntoCost {
    /// Converts the returned value.
    fn into_result(self) -> Result<u64, BoxError>;
}

/// A type that is a rate: a `Rate` or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as a rate",
    label = "`{Self}` is not a `Rate`",
    note = "a rate is a `const` or `static` of type `Rate` or of one that dereferences to it, such as `LazyLock<Rate>`, or a function that returns a `Rate`",
    note = "a function may be async, and may return a `Result` whose error is `IntoResponse` or `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait IntoRate {
    /// Converts the returned value.
    fn into_result(self) -> Result<Rate, BoxError>;
}

/// A type that a predicate may return: a `bool` or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as the result of a predicate",
    label = "returns `{Self}`, which is not a `bool`",
    note = "return a `bool`",
    note = "the function may be async, and may return a `Result` whose error is `IntoResponse` or `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait IntoBool {
    /// Converts the returned value.
    fn into_result(self) -> Result<bool, BoxError>;
}

/// A type that is a scope: a string or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as a scope",
    label = "`{Self}` is not a string",
    note = "a scope is a `const` or `static` string, or a function that returns a `String`, a `&'static str` or a `Cow<'static, str>`",
    note = "a function may return a `Result` whose error is `IntoResponse` or `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait IntoScope {
    /// Converts the returned value.
    fn into_result(self) -> Result<Scope, BoxError>;
}

/// Converts the value of an `identifier` into an identity.
///
/// # Errors
///
/// [`Error::Identifier`] if the function failed.
pub fn parse_identity(
    key: &'static str,
    value: impl IntoIdentityResult,
) -> Result<Identity, Error> {
    value.into_result().map_err(|error| failed(key, error))
}

/// Converts the value of a `cost` into units.
///
/// # Errors
///
/// [`Error::Identifier`] if the function failed.
pub fn parse_cost(key: &'static str, value: impl IntoCost) -> Result<u64, Error> {
    value.into_result().map_err(|error| failed(key, error))
}

/// Converts the value of a `rate` into a rate.
///
/// # Errors
///
/// [`Error::Identifier`] if the function failed.
pub fn parse_rate(key: &'static str, value: impl IntoRate) -> Result<Rate, Error> {
    value.into_result().map_err(|error| failed(key, error))
}

/// Converts the value of a predicate into a `bool`.
///
/// # Errors
///
/// [`Error::Identifier`] if the function failed.
pub fn parse_bool(key: &'static str, value: impl IntoBool) -> Result<bool, Error> {
    value.into_result().map_err(|error| failed(key, error))
}

/// Converts the value of a `scope` into a scope.
///
/// # Errors
///
/// [`Error::Identifier`] if the function failed.
pub fn parse_scope(key: &'static str, value: impl IntoScope) -> Result<Scope, Error> {
    value.into_result().map_err(|error| failed(key, error))
}

fn failed(key: &'static str, source: BoxError) -> Error {
    Error::Identifier {
        what: key,
        source: with_response(source),
    }
}

/// Takes the response out of an error that came through a `Box<dyn Error>`.
fn with_response(source: BoxError) -> BoxError {
    match source.downcast::<Error>().map(|error| *error) {
        Ok(Error::Identifier { source, .. }) if source.is::<ErrorResponse>() => source,
        Ok(error) => error.into(),
        Err(source) => match source.downcast::<Rejection>() {
            Ok(rejection) => ErrorResponse::new(*rejection).into(),
            Err(source) => source,
        },
    }
}

#[diagnostic::do_not_recommend]
impl<X: Into<Identity>> IntoIdentityResult for X {
    fn into_result(self) -> Result<Identity, BoxError> {
        Ok(self.into())
    }
}

#[diagnostic::do_not_recommend]
impl<X: Into<Identity>, E: Into<BoxError>> IntoIdentityResult for Result<X, E> {
    fn into_result(self) -> Result<Identity, BoxError> {
        self.map(Into::into).map_err(Into::into)
    }
}

macro_rules! outputs {
    ($output:ident -> $to:ty: $($from:ty => $convert:expr),+ $(,)?) => {$(
        impl $output for $from {
            fn into_result(self) -> Result<$to, BoxError> {
                Ok($convert(self))
            }
        }

        impl<E: Into<BoxError>> $output for Result<$from, E> {
            fn into_result(self) -> Result<$to, BoxError> {
                self.map($convert).map_err(Into::into)
            }
        }
    )+};
}

/// Implements [`IntoCost`] for integers and references to them: closures borrow the handler's
/// arguments.
macro_rules! costs {
    ($($number:ty => $convert:expr),+ $(,)?) => {$(
        outputs!(IntoCost -> u64: $number => $convert);

        impl IntoCost for &$number {
            fn into_result(self) -> Result<u64, BoxError> {
                IntoCost::into_result(*self)
            }
        }
    )+};
}

costs!(u8 => u64::from, u16 => u64::from, u32 => u64::from, u64 => u64::from, usize => |cost| cost as u64);
outputs!(IntoRate -> Rate: Rate => Rate::from, &Rate => |rate: &Rate| *rate);
outputs!(IntoBool -> bool: bool => bool::from);
outputs!(IntoScope -> Scope:
    String => |segment| Scope::Segment(Cow::Owned(segment)),
    &'static str => |segment| Scope::Segment(Cow::Borrowed(segment)),
    Cow<'static, str> => Scope::Segment,
);
