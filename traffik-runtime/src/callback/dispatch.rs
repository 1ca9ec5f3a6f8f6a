//! What an application's functions give, whatever their types: generated code cannot see types, so the compiler chooses.
//!
//! The macros below ask a [`Probe`] of a value's type for its kind. Two traits have that method; the compiler takes the
//! one that needs one borrow less, if its bound holds. So futures are told from values, functions from constants, and errors
//! that are responses from those that are not.

#[doc(hidden)]
#[macro_export]
macro_rules! __kind {
    ($value:ident) => {{
        #[allow(unused_imports)]
        use $crate::callback::LaterKind as _;
        #[allow(unused_imports)]
        use $crate::callback::NowKind as _;
        (&$crate::callback::Probe::of(&$value)).__traffik_kind()
    }};
}

/// An answer, whose error keeps its response if it has one.
#[doc(hidden)]
#[macro_export]
macro_rules! __answer_or_response {
    ($answer:ident) => {{
        #[allow(unused_imports)]
        use $crate::callback::PlainKind as _;
        #[allow(unused_imports)]
        use $crate::callback::RespondingKind as _;
        #[allow(unused_imports)]
        use $crate::callback::TextKind as _;
        (&&$crate::callback::Probe::of(&$answer))
            .__traffik_error()
            .keep($answer)
    }};
}

// A local name of a macro's would be a pattern where the application has a constant of that name, so they are long.
#[doc(hidden)]
#[macro_export]
macro_rules! __settled {
    ($taken:ident, $what:literal, $value:expr) => {{
        let __traffik_value = $value;
        let __traffik_answer = $crate::__kind!(__traffik_value).wait(__traffik_value).await;
        let __traffik_answer = $crate::__answer_or_response!(__traffik_answer);
        $crate::callback::$taken($what, __traffik_answer)
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
        let __traffik_value = $crate::callback::called($closure);
        let __traffik_kind = $crate::__kind!(__traffik_value);
        __traffik_kind.settle(__traffik_value, |__traffik_answer| {
            let __traffik_answer = $crate::__answer_or_response!(__traffik_answer);
            $crate::callback::$taken($what, __traffik_answer)
        })
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

/// Asks a value that is there for all requests, or a function; the kinds tell them apart by their types. A static cannot be
/// moved, so it is borrowed.
#[doc(hidden)]
#[macro_export]
macro_rules! __sourced {
    ($constant:ident, $path:path, $parts:expr) => {{
        #[allow(unused_imports)]
        use $crate::callback::FunctionKind as _;
        #[allow(unused_imports)]
        use $crate::callback::$constant as _;
        let __traffik_source = &$path;
        (&$crate::callback::Probe::of(__traffik_source))
            .__traffik_source()
            .of(__traffik_source, $parts)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rate_of {
    ($path:path, $parts:expr) => {
        $crate::__settled!(
            rate_taken,
            "rate",
            $crate::__sourced!(RateKind, $path, $parts)
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __scope_of {
    ($path:path, $parts:expr) => {{
        let __traffik_scope = $crate::__sourced!(ScopeKind, $path, $parts);
        let __traffik_scope = $crate::__answer_or_response!(__traffik_scope);
        $crate::callback::scope_taken("scope", __traffik_scope)
    }};
}

pub use crate::{
    __applies as applies, __cost_by as cost_by, __cost_of as cost_of, __identity_by as identity_by,
    __identity_of as identity_of, __rate_of as rate_of, __scope_of as scope_of,
};
