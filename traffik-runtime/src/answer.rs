//! What an application's functions give, whatever their types: generated code cannot see types, so the compiler chooses.
//!
//! The macros below ask a [`Probe`] of a value's type for its kind. Two traits have that method; the compiler takes the
//! one that needs one borrow less, if its bound holds. So futures are told from values, and functions from constants.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;

use http::request::Parts;

use crate::error::Error;
use crate::identity::Identity;
use crate::rate::Rate;
use crate::throttle::Scope;

type BoxError = Box<dyn StdError + Send + Sync>;

/// What a function of the application's may give where a `T` is wanted: something that is one, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` gives no `{T}`",
    label = "cannot be used here",
    note = "an `identifier` gives anything that is `Into<Identity>`: `Identity`, `String`, `&str`, `u64`, `IpAddr`",
    note = "a `cost` gives an unsigned integer, a `rate` a `Rate`, a `scope` a `String` or `&'static str`, a predicate a `bool`",
    note = "each may be async, and may be a `Result` whose error is `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait Answer<T> {
    /// It, or why there is none.
    fn answer(self) -> Result<T, BoxError>;
}

#[diagnostic::do_not_recommend]
impl<X: Into<Identity>> Answer<Identity> for X {
    fn answer(self) -> Result<Identity, BoxError> {
        Ok(self.into())
    }
}

#[diagnostic::do_not_recommend]
impl<X: Into<Identity>, E: Into<BoxError>> Answer<Identity> for Result<X, E> {
    fn answer(self) -> Result<Identity, BoxError> {
        self.map(Into::into).map_err(Into::into)
    }
}

macro_rules! answers {
    ($to:ty: $($from:ty => $convert:expr),+ $(,)?) => {$(
        impl Answer<$to> for $from {
            fn answer(self) -> Result<$to, BoxError> {
                Ok($convert(self))
            }
        }

        impl<E: Into<BoxError>> Answer<$to> for Result<$from, E> {
            fn answer(self) -> Result<$to, BoxError> {
                self.map($convert).map_err(Into::into)
            }
        }
    )+};
}

answers!(u64: u8 => u64::from, u16 => u64::from, u32 => u64::from, u64 => u64::from, usize => |cost| cost as u64);
answers!(Rate: Rate => Rate::from);
answers!(bool: bool => bool::from);
answers!(Scope:
    String => |segment| Scope::Segment(Cow::Owned(segment)),
    &'static str => |segment| Scope::Segment(Cow::Borrowed(segment)),
    Cow<'static, str> => Scope::Segment,
);

/// Asks for the kind of a value's type.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    /// Of this value.
    pub const fn of(_: &T) -> Self {
        Self(PhantomData)
    }
}

/// A value that has to be awaited.
#[derive(Clone, Copy, Debug)]
pub struct Later;

/// A value that is there.
#[derive(Clone, Copy, Debug)]
pub struct Now;

/// Finds futures.
pub trait LaterKind {
    /// That it is one.
    fn __traffik_kind(&self) -> Later {
        Later
    }
}

/// Finds everything else.
pub trait NowKind {
    /// That it is not a future.
    fn __traffik_kind(&self) -> Now {
        Now
    }
}

impl<T: Future> LaterKind for Probe<T> {}
impl<T> NowKind for &Probe<T> {}

impl Later {
    /// What to await.
    pub fn wait<F>(self, future: F) -> F {
        future
    }
}

impl Now {
    /// Something to await that is there already.
    pub fn wait<T>(self, value: T) -> Ready<T> {
        ready(value)
    }
}

/// What an application's function gave, as what is wanted.
///
/// # Errors
///
/// When the function failed.
pub fn taken<T, A: Answer<T>>(what: &'static str, answer: A) -> Result<T, Error> {
    let taken = answer.answer();
    taken.map_err(|source| Error::Identifier { what, source })
}

/// A constant: the same for all requests.
#[derive(Clone, Copy, Debug)]
pub struct Constant;

/// A function of the request.
#[derive(Clone, Copy, Debug)]
pub struct Function;

/// Finds constants.
pub trait ConstantKind {
    /// That it is one.
    fn __traffik_source(&self) -> Constant {
        Constant
    }
}

/// Finds everything else.
pub trait FunctionKind {
    /// That it is no constant.
    fn __traffik_source(&self) -> Function {
        Function
    }
}

impl ConstantKind for Probe<Rate> {}
impl ConstantKind for Probe<&'static str> {}
impl<T> FunctionKind for &Probe<T> {}

impl Constant {
    /// The constant.
    pub fn of<T>(self, constant: T, _: &Parts) -> T {
        constant
    }
}

impl Function {
    /// What the function gives for this request.
    pub fn of<'a, T>(self, function: impl FnOnce(&'a Parts) -> T, parts: &'a Parts) -> T {
        function(parts)
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __settled {
    ($what:literal, $to:ty, $value:expr) => {{
        #[allow(unused_imports)]
        use $crate::answer::{LaterKind as _, NowKind as _};
        let value = $value;
        let kind = (&$crate::answer::Probe::of(&value)).__traffik_kind();
        let answer = kind.wait(value).await;
        $crate::answer::taken::<$to, _>($what, answer)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __identity_of {
    ($function:path, $parts:expr) => {
        $crate::__settled!("identifier", $crate::identity::Identity, $function($parts))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cost_of {
    ($function:path, $parts:expr) => {
        $crate::__settled!("cost", u64, $function($parts))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __applies {
    ($key:literal, $predicate:path, $parts:expr) => {
        $crate::__settled!($key, bool, $predicate($parts))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __sourced {
    ($path:path, $parts:expr) => {{
        #[allow(unused_imports)]
        use $crate::answer::{ConstantKind as _, FunctionKind as _};
        let source = $path;
        (&$crate::answer::Probe::of(&source))
            .__traffik_source()
            .of(source, $parts)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rate_of {
    ($path:path, $parts:expr) => {
        $crate::__settled!(
            "rate",
            $crate::rate::Rate,
            $crate::__sourced!($path, $parts)
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __scope_of {
    ($path:path, $parts:expr) => {
        $crate::answer::taken::<$crate::throttle::Scope, _>(
            "scope",
            $crate::__sourced!($path, $parts),
        )
    };
}

pub use crate::{
    __applies as applies, __cost_of as cost_of, __identity_of as identity_of, __rate_of as rate_of,
    __scope_of as scope_of,
};
