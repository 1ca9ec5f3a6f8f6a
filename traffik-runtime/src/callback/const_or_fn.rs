//! Functions told from values that are there for all requests, by their types.

use std::ops::Deref;

use http::request::Parts;

use crate::callback::asyncness::Probe;
use crate::rate::Rate;

/// A type that is a `T` or dereferences to one, in however many steps: `LazyLock<Arc<Rate>>` leads to a `Rate`.
pub trait Leads<T: ?Sized> {
    /// Returns the value at the end of the way.
    fn end(&self) -> &T;
}

impl Leads<Self> for Rate {
    fn end(&self) -> &Self {
        self
    }
}

impl Leads<Self> for str {
    fn end(&self) -> &Self {
        self
    }
}

impl<T: ?Sized, P: Deref<Target: Leads<T>>> Leads<T> for P {
    fn end(&self) -> &T {
        (**self).end()
    }
}

/// A rate that holds for all requests.
#[derive(Clone, Copy, Debug)]
pub struct ConstantRate;

/// A text that holds for all requests.
#[derive(Clone, Copy, Debug)]
pub struct ConstantScope;

/// A function of the request.
#[derive(Clone, Copy, Debug)]
pub struct Function;

/// Finds what leads to a rate.
pub trait RateKind {
    /// Returns the kind.
    fn __traffik_source(&self) -> ConstantRate {
        ConstantRate
    }
}

/// Finds what leads to a text.
pub trait ScopeKind {
    /// Returns the kind.
    fn __traffik_source(&self) -> ConstantScope {
        ConstantScope
    }
}

/// Finds everything else.
pub trait FunctionKind {
    /// Returns the kind.
    fn __traffik_source(&self) -> Function {
        Function
    }
}

impl<T: Leads<Rate>> RateKind for Probe<T> {}
impl<T: Leads<str>> ScopeKind for Probe<T> {}
impl<T> FunctionKind for &Probe<T> {}

impl ConstantRate {
    /// Returns the rate.
    pub fn of(self, value: &impl Leads<Rate>, _: &Parts) -> Rate {
        *value.end()
    }
}

impl ConstantScope {
    /// Returns the text.
    pub fn of(self, value: &'static impl Leads<str>, _: &Parts) -> &'static str {
        value.end()
    }
}

/// A function of the request's parts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a value that is wanted here nor a function of `&Parts`",
    label = "cannot be used here",
    note = "a rate is a `Rate`, what dereferences to one, or a `fn(&Parts) -> Rate`",
    note = "a scope is a text, what dereferences to one, or a `fn(&Parts) -> String`"
)]
pub trait OfParts<'a, T> {
    /// Returns what it gives for this request.
    fn answer(self, parts: &'a Parts) -> T;
}

#[diagnostic::do_not_recommend]
impl<'a, F: FnOnce(&'a Parts) -> T, T> OfParts<'a, T> for F {
    fn answer(self, parts: &'a Parts) -> T {
        self(parts)
    }
}

impl Function {
    /// Returns what the function gives for this request.
    pub fn of<'a, T>(self, function: impl OfParts<'a, T>, parts: &'a Parts) -> T {
        function.answer(parts)
    }
}
