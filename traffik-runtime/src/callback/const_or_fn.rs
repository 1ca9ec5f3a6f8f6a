//! Functions of the request distinguished from constants, by their types.

use std::ops::Deref;

use http::request::Parts;

use crate::callback::asyncness::Probe;
use crate::rate::Rate;

/// A type that is a `T` or dereferences to one, in however many steps: `LazyLock<Arc<Rate>>`
/// dereferences to a `Rate`.
pub trait DerefsTo<T: ?Sized> {
    /// Dereferences until the value is a `T`.
    fn target(&self) -> &T;
}

impl DerefsTo<Self> for Rate {
    fn target(&self) -> &Self {
        self
    }
}

impl DerefsTo<Self> for str {
    fn target(&self) -> &Self {
        self
    }
}

impl<T: ?Sized, P: Deref<Target: DerefsTo<T>>> DerefsTo<T> for P {
    fn target(&self) -> &T {
        (**self).target()
    }
}

/// A rate that is one for all requests.
#[derive(Clone, Copy, Debug)]
pub struct ConstantRate;

/// A text that is one for all requests.
#[derive(Clone, Copy, Debug)]
pub struct ConstantScope;

/// A function of the request.
#[derive(Clone, Copy, Debug)]
pub struct Function;

/// Selects types that dereference to a rate.
pub trait RateKind {
    /// Returns the kind of a constant rate.
    fn __traffik_source(&self) -> ConstantRate {
        ConstantRate
    }
}

/// Selects types that dereference to a text.
pub trait ScopeKind {
    /// Returns the kind of a constant text.
    fn __traffik_source(&self) -> ConstantScope {
        ConstantScope
    }
}

/// Selects everything else.
pub trait FunctionKind {
    /// Returns the kind of a function.
    fn __traffik_source(&self) -> Function {
        Function
    }
}

impl<T: DerefsTo<Rate>> RateKind for Probe<T> {}
impl<T: DerefsTo<str>> ScopeKind for Probe<T> {}
impl<T> FunctionKind for &Probe<T> {}

impl ConstantRate {
    /// Returns the rate.
    pub fn value(self, constant: &impl DerefsTo<Rate>, _: &Parts) -> Rate {
        *constant.target()
    }
}

impl ConstantScope {
    /// Returns the text.
    pub fn value(self, constant: &'static impl DerefsTo<str>, _: &Parts) -> &'static str {
        constant.target()
    }
}

/// A function of the request's parts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a constant that can be used here nor a function of `&Parts`",
    label = "cannot be used here",
    note = "a rate is a `Rate`, a value that dereferences to one, or a `fn(&Parts) -> Rate`",
    note = "a scope is a string, a value that dereferences to one, or a `fn(&Parts) -> String`"
)]
pub trait PartsFunction<'a, T> {
    /// Calls the function.
    fn call(self, parts: &'a Parts) -> T;
}

#[diagnostic::do_not_recommend]
impl<'a, F: FnOnce(&'a Parts) -> T, T> PartsFunction<'a, T> for F {
    fn call(self, parts: &'a Parts) -> T {
        self(parts)
    }
}

impl Function {
    /// Returns the function's value for this request.
    pub fn value<'a, T>(self, function: impl PartsFunction<'a, T>, parts: &'a Parts) -> T {
        function.call(parts)
    }
}
