//! Macros with which generated code calls the application's functions, whatever their types.
//!
//! Generated code cannot see types, so the compiler chooses: the macros call a method on a
//! [`Probe`](crate::callback::Probe) of a value's type. Two or three traits have that method, and
//! the compiler takes the one that needs the fewest borrows and whose bound holds. So futures are
//! distinguished from values, functions from constants, and errors that are responses from others.

#[doc(hidden)]
#[macro_export]
macro_rules! __kind {
    ($value:ident) => {{
        #[allow(unused_imports)]
        use $crate::callback::AsyncKind as _;
        #[allow(unused_imports)]
        use $crate::callback::SyncKind as _;
        (&$crate::callback::Probe::of(&$value)).__traffik_kind()
    }};
}

/// Returns a value whose error is replaced with its response, if it is one.
#[doc(hidden)]
#[macro_export]
macro_rules! __keep_response {
    ($value:ident) => {{
        #[allow(unused_imports)]
        use $crate::callback::NoResponseKind as _;
        #[allow(unused_imports)]
        use $crate::callback::ResponseKind as _;
        #[allow(unused_imports)]
        use $crate::callback::TextKind as _;
        (&&$crate::callback::Probe::of(&$value))
            .__traffik_error()
            .keep_response($value)
    }};
}

// Where the application has a constant of that name, a local name of a macro would be a pattern, so
// local names are long.
#[doc(hidden)]
#[macro_export]
macro_rules! __parsed {
    ($parse:ident, $key:literal, $value:expr) => {{
        let __traffik_value = $value;
        let __traffik_output = $crate::__kind!(__traffik_value)
            .into_future(__traffik_value)
            .await;
        let __traffik_output = $crate::__keep_response!(__traffik_output);
        $crate::callback::$parse($key, __traffik_output)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __identity_of {
    ($function:path, $parts:expr) => {
        $crate::__parsed!(parse_identity, "identifier", $function($parts))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cost_of {
    ($function:path, $parts:expr) => {
        $crate::__parsed!(parse_cost, "cost", $function($parts))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __applies {
    ($key:literal, $predicate:path, $parts:expr) => {
        $crate::__parsed!(parse_bool, $key, $predicate($parts))
    };
}

/// Returns a closure's parsed value, or a future of it, which borrows the closure's arguments, if
/// the closure is async.
#[doc(hidden)]
#[macro_export]
macro_rules! __parsed_closure {
    ($parse:ident, $key:literal, $closure:expr) => {{
        let __traffik_value = $crate::callback::call_closure($closure);
        let __traffik_kind = $crate::__kind!(__traffik_value);
        __traffik_kind.parse(__traffik_value, |__traffik_output| {
            let __traffik_output = $crate::__keep_response!(__traffik_output);
            $crate::callback::$parse($key, __traffik_output)
        })
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __identity_by {
    ($closure:expr) => {
        $crate::__parsed_closure!(parse_identity, "identifier", $closure)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cost_by {
    ($closure:expr) => {
        $crate::__parsed_closure!(parse_cost, "cost", $closure)
    };
}

/// Returns the value of a constant or of a function. Constants are borrowed, since a static cannot
/// be moved.
#[doc(hidden)]
#[macro_export]
macro_rules! __const_or_fn {
    ($constant:ident, $path:path, $parts:expr) => {{
        #[allow(unused_imports)]
        use $crate::callback::FunctionKind as _;
        #[allow(unused_imports)]
        use $crate::callback::$constant as _;
        let __traffik_source = &$path;
        (&$crate::callback::Probe::of(__traffik_source))
            .__traffik_source()
            .value(__traffik_source, $parts)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rate_of {
    ($path:path, $parts:expr) => {
        $crate::__parsed!(
            parse_rate,
            "rate",
            $crate::__const_or_fn!(RateKind, $path, $parts)
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __scope_of {
    ($path:path, $parts:expr) => {{
        let __traffik_scope = $crate::__const_or_fn!(ScopeKind, $path, $parts);
        let __traffik_scope = $crate::__keep_response!(__traffik_scope);
        $crate::callback::parse_scope("scope", __traffik_scope)
    }};
}

pub use crate::{
    __applies as applies, __cost_by as cost_by, __cost_of as cost_of, __identity_by as identity_by,
    __identity_of as identity_of, __rate_of as rate_of, __scope_of as scope_of,
};
