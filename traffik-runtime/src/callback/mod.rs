//! Functions of the application's that a request's head is asked with.

pub(crate) mod asyncness;
pub(crate) mod const_or_fn;
#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod dispatch;
pub(crate) mod error_response;
pub(crate) mod identifier;
pub(crate) mod output;
pub(crate) mod predicate;

pub use asyncness::{Later, LaterKind, Now, NowKind, Probe, called};
pub use const_or_fn::{
    ConstantRate, ConstantScope, Function, FunctionKind, Leads, OfParts, RateKind, ScopeKind,
};
pub use dispatch::{applies, cost_by, cost_of, identity_by, identity_of, rate_of, scope_of};
pub use error_response::{ErrorResponse, Plain, PlainKind, Responding, RespondingKind, TextKind};
pub use identifier::Identifier;
pub use output::{
    Agrees, Answer, Costs, Identifies, Rates, Separates, agreement_taken, cost_taken,
    identity_taken, rate_taken, scope_taken, taken,
};
pub use predicate::Predicate;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;

use crate::error::Error;

/// A function of a request's head, of whatever type.
#[doc(hidden)]
pub trait Question<T: 'static>: Send + Sync {
    /// The answer; it is borrowed from the request.
    fn ask<'a>(&'a self, parts: &'a Parts) -> Asked<'a, T>;
}

type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

impl<T: 'static> fmt::Debug for dyn Question<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Question")
    }
}

/// One that answers at once; `what` it is for, errors say.
pub(crate) fn at_once<T, F>(what: &'static str, function: F) -> Arc<dyn Question<T>>
where
    T: Send + 'static,
    F: for<'a> Asks<'a, T> + 'static,
{
    Arc::new(AtOnce { what, function })
}

/// One that has to be awaited.
pub(crate) fn awaited<T, F>(what: &'static str, function: F) -> Arc<dyn Question<T>>
where
    T: Send + 'static,
    F: for<'a> AsksLater<'a, T> + 'static,
{
    Arc::new(Awaited { what, function })
}

/// A function of a head of any lifetime that answers at once.
#[doc(hidden)]
pub trait Asks<'a, T>: Send + Sync {
    /// What it gives.
    type Answer: Answer<T>;

    /// Calls it.
    fn call(&self, parts: &'a Parts) -> Self::Answer;
}

impl<'a, T, F, A> Asks<'a, T> for F
where
    F: Fn(&'a Parts) -> A + Send + Sync,
    A: Answer<T>,
{
    type Answer = A;

    fn call(&self, parts: &'a Parts) -> A {
        self(parts)
    }
}

struct AtOnce<F> {
    what: &'static str,
    function: F,
}

impl<T: Send + 'static, F: for<'a> Asks<'a, T>> Question<T> for AtOnce<F> {
    fn ask<'a>(&'a self, parts: &'a Parts) -> Asked<'a, T> {
        let answer = taken(self.what, self.function.call(parts));
        Box::pin(async { answer })
    }
}

/// A function of a head of any lifetime whose answer has to be awaited.
#[doc(hidden)]
pub trait AsksLater<'a, T>: Send + Sync {
    /// What it gives.
    type Future: Future<Output: Answer<T>> + Send + 'a;

    /// Calls it.
    fn call(&self, parts: &'a Parts) -> Self::Future;
}

impl<'a, T, F, A> AsksLater<'a, T> for F
where
    F: Fn(&'a Parts) -> A + Send + Sync,
    A: Future<Output: Answer<T>> + Send + 'a,
{
    type Future = A;

    fn call(&self, parts: &'a Parts) -> A {
        self(parts)
    }
}

struct Awaited<F> {
    what: &'static str,
    function: F,
}

impl<T: Send + 'static, F: for<'a> AsksLater<'a, T>> Question<T> for Awaited<F> {
    fn ask<'a>(&'a self, parts: &'a Parts) -> Asked<'a, T> {
        let answer = self.function.call(parts);
        Box::pin(async { taken(self.what, answer.await) })
    }
}
