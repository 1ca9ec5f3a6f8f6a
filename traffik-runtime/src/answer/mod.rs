//! What an application's functions give, whatever their types: generated code cannot see types, so the compiler chooses.
//!
//! The macros below ask a [`Probe`] of a value's type for its kind. Two traits have that method; the compiler takes the
//! one that needs one borrow less, if its bound holds. So futures are told from values, and functions from constants.

mod kinds;
mod questions;
mod sources;

pub use kinds::{Later, LaterKind, Now, NowKind, Probe, called};
pub use questions::{
    Agrees, Answer, Costs, Identifies, Rates, Separates, agreement_taken, cost_taken,
    identity_taken, rate_taken, scope_taken, taken,
};
pub use sources::{Constant, ConstantKind, Function, FunctionKind};

#[doc(hidden)]
#[macro_export]
macro_rules! __kind {
    ($value:ident) => {{
        #[allow(unused_imports)]
        use $crate::answer::{LaterKind as _, NowKind as _};
        (&$crate::answer::Probe::of(&$value)).__traffik_kind()
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __settled {
    ($taken:ident, $what:literal, $value:expr) => {{
        let value = $value;
        let answer = $crate::__kind!(value).wait(value).await;
        $crate::answer::$taken($what, answer)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __identity_of {
    ($function:path, $parts:expr) => {
        $crate::__settled!(identity_taken, "identifier", $function($parts))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cost_of {
    ($function:path, $parts:expr) => {
        $crate::__settled!(cost_taken, "cost", $function($parts))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __applies {
    ($key:literal, $predicate:path, $parts:expr) => {
        $crate::__settled!(agreement_taken, $key, $predicate($parts))
    };
}

/// A closure's answer, as something to await which holds on to the closure's arguments only if it is async.
#[doc(hidden)]
#[macro_export]
macro_rules! __settling {
    ($taken:ident, $what:literal, $closure:expr) => {{
        let value = $crate::answer::called($closure);
        let kind = $crate::__kind!(value);
        kind.settle(value, |answer| $crate::answer::$taken($what, answer))
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __identity_by {
    ($closure:expr) => {
        $crate::__settling!(identity_taken, "identifier", $closure)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cost_by {
    ($closure:expr) => {
        $crate::__settling!(cost_taken, "cost", $closure)
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
        $crate::__settled!(rate_taken, "rate", $crate::__sourced!($path, $parts))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __scope_of {
    ($path:path, $parts:expr) => {
        $crate::answer::scope_taken("scope", $crate::__sourced!($path, $parts))
    };
}

pub use crate::{
    __applies as applies, __cost_by as cost_by, __cost_of as cost_of, __identity_by as identity_by,
    __identity_of as identity_of, __rate_of as rate_of, __scope_of as scope_of,
};
