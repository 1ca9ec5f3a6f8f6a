//! What an application's functions may give, question by question. Each question has a trait of its own, so that the
//! compiler can say what belongs there.

use std::borrow::Cow;
use std::error::Error as StdError;

use crate::callback::error_response::ErrorResponse;
use crate::error::Error;
use crate::identity::Identity;
use crate::rate::Rate;
use crate::scope::Scope;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// An answer to the question for a `T`, where it is asked of whatever type.
pub trait Answer<T> {
    /// It, or why there is none.
    fn given(self) -> Result<T, BoxError>;
}

#[diagnostic::do_not_recommend]
impl<A: Identifies> Answer<Identity> for A {
    fn given(self) -> Result<Identity, BoxError> {
        self.answer()
    }
}

#[diagnostic::do_not_recommend]
impl<A: Agrees> Answer<bool> for A {
    fn given(self) -> Result<bool, BoxError> {
        self.answer()
    }
}

/// What an application's function gave, as what is wanted.
///
/// # Errors
///
/// When the function failed.
pub fn taken<T, A: Answer<T>>(what: &'static str, answer: A) -> Result<T, Error> {
    failed(what, answer.given())
}

/// Who is asking.
#[diagnostic::on_unimplemented(
    message = "an identifier gives no `{Self}`",
    label = "gives `{Self}`, which names no client",
    note = "it gives what is `Into<Identity>`: `Identity`, `String`, `&str`, `u64`, `IpAddr`",
    note = "it may be async, and may give a `Result` of that whose error is `IntoResponse` or `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait Identifies {
    /// It, or why there is none.
    fn answer(self) -> Result<Identity, BoxError>;
}

/// How many units a request takes.
#[diagnostic::on_unimplemented(
    message = "a cost gives no `{Self}`",
    label = "gives `{Self}`, which is no number of units",
    note = "it gives an unsigned integer: `u8`, `u16`, `u32`, `u64` or `usize`; a number that could be any is an `i32`, so write `1_u64`",
    note = "it may be async, and may give a `Result` of that whose error is `IntoResponse` or `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait Costs {
    /// It, or why there is none.
    fn answer(self) -> Result<u64, BoxError>;
}

/// How much in how long.
#[diagnostic::on_unimplemented(
    message = "a rate is no `{Self}`",
    label = "gives `{Self}`, which is no rate",
    note = "it is a `const` or `static` of type `Rate` or of one that dereferences to it, such as `LazyLock<Rate>`, or a function that gives a `Rate`",
    note = "a function may be async, and may give a `Result` of that whose error is `IntoResponse` or `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait Rates {
    /// It, or why there is none.
    fn answer(self) -> Result<Rate, BoxError>;
}

/// Whether a throttle is asked.
#[diagnostic::on_unimplemented(
    message = "a predicate gives no `{Self}`",
    label = "gives `{Self}`, which is neither yes nor no",
    note = "it gives a `bool`",
    note = "it may be async, and may give a `Result` of that whose error is `IntoResponse` or `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait Agrees {
    /// It, or why there is none.
    fn answer(self) -> Result<bool, BoxError>;
}

/// What shares one budget.
#[diagnostic::on_unimplemented(
    message = "a scope is no `{Self}`",
    label = "gives `{Self}`, which is no text",
    note = "it is a `const` or `static` text, or a function that gives a `String`, a `&'static str` or a `Cow<'static, str>`",
    note = "a function may give a `Result` of that whose error is `IntoResponse` or `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait Separates {
    /// It, or why there is none.
    fn answer(self) -> Result<Scope, BoxError>;
}

/// Who is asking, as a function said it.
///
/// # Errors
///
/// When the function failed.
pub fn identity_taken(what: &'static str, answer: impl Identifies) -> Result<Identity, Error> {
    failed(what, answer.answer())
}

/// How many units a request takes, as a function said it.
///
/// # Errors
///
/// When the function failed.
pub fn cost_taken(what: &'static str, answer: impl Costs) -> Result<u64, Error> {
    failed(what, answer.answer())
}

/// How much in how long, as a constant is or a function said it.
///
/// # Errors
///
/// When the function failed.
pub fn rate_taken(what: &'static str, answer: impl Rates) -> Result<Rate, Error> {
    failed(what, answer.answer())
}

/// Whether a throttle is asked, as a function said it.
///
/// # Errors
///
/// When the function failed.
pub fn agreement_taken(what: &'static str, answer: impl Agrees) -> Result<bool, Error> {
    failed(what, answer.answer())
}

/// What shares one budget, as a constant is or a function said it.
///
/// # Errors
///
/// When the function failed.
pub fn scope_taken(what: &'static str, answer: impl Separates) -> Result<Scope, Error> {
    failed(what, answer.answer())
}

fn failed<T>(what: &'static str, answer: Result<T, BoxError>) -> Result<T, Error> {
    answer.map_err(|source| Error::Identifier {
        what,
        source: ErrorResponse::unwrap(source),
    })
}

#[diagnostic::do_not_recommend]
impl<X: Into<Identity>> Identifies for X {
    fn answer(self) -> Result<Identity, BoxError> {
        Ok(self.into())
    }
}

#[diagnostic::do_not_recommend]
impl<X: Into<Identity>, E: Into<BoxError>> Identifies for Result<X, E> {
    fn answer(self) -> Result<Identity, BoxError> {
        self.map(Into::into).map_err(Into::into)
    }
}

macro_rules! answers {
    ($answer:ident -> $to:ty: $($from:ty => $convert:expr),+ $(,)?) => {$(
        impl $answer for $from {
            fn answer(self) -> Result<$to, BoxError> {
                Ok($convert(self))
            }
        }

        impl<E: Into<BoxError>> $answer for Result<$from, E> {
            fn answer(self) -> Result<$to, BoxError> {
                self.map($convert).map_err(Into::into)
            }
        }
    )+};
}

/// Closures are lent a handler's arguments, so numbers may be lent too.
macro_rules! numbers {
    ($($number:ty => $convert:expr),+ $(,)?) => {$(
        answers!(Costs -> u64: $number => $convert);

        impl Costs for &$number {
            fn answer(self) -> Result<u64, BoxError> {
                Costs::answer(*self)
            }
        }
    )+};
}

numbers!(u8 => u64::from, u16 => u64::from, u32 => u64::from, u64 => u64::from, usize => |cost| cost as u64);
answers!(Rates -> Rate: Rate => Rate::from, &Rate => |rate: &Rate| *rate);
answers!(Agrees -> bool: bool => bool::from);
answers!(Separates -> Scope:
    String => |segment| Scope::Segment(Cow::Owned(segment)),
    &'static str => |segment| Scope::Segment(Cow::Borrowed(segment)),
    Cow<'static, str> => Scope::Segment,
);
