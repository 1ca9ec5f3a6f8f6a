//! Functions of the application's that a request's head is asked with.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;

use crate::answer::{Answer, taken};
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
pub(super) fn at_once<T, A>(
    what: &'static str,
    function: impl Fn(&Parts) -> A + Send + Sync + 'static,
) -> Arc<dyn Question<T>>
where
    T: Send + 'static,
    A: Answer<T>,
{
    Arc::new(AtOnce(move |parts: &Parts| taken(what, function(parts))))
}

/// One that has to be awaited.
pub(super) fn awaited<T, F>(what: &'static str, function: F) -> Arc<dyn Question<T>>
where
    T: Send + 'static,
    F: for<'a> Asks<'a, T> + 'static,
{
    Arc::new(Awaited { what, function })
}

struct AtOnce<F>(F);

impl<T: Send + 'static, F: Fn(&Parts) -> Result<T, Error> + Send + Sync> Question<T> for AtOnce<F> {
    fn ask<'a>(&'a self, parts: &'a Parts) -> Asked<'a, T> {
        let answer = (self.0)(parts);
        Box::pin(async { answer })
    }
}

struct Awaited<F> {
    what: &'static str,
    function: F,
}

impl<T: Send + 'static, F: for<'a> Asks<'a, T>> Question<T> for Awaited<F> {
    fn ask<'a>(&'a self, parts: &'a Parts) -> Asked<'a, T> {
        let answer = self.function.call(parts);
        Box::pin(async { taken(self.what, answer.await) })
    }
}

/// What an async function of a head of any lifetime is.
#[doc(hidden)]
pub trait Asks<'a, T>: Send + Sync {
    /// What it gives.
    type Future: Future<Output: Answer<T>> + Send + 'a;

    /// Calls it.
    fn call(&self, parts: &'a Parts) -> Self::Future;
}

impl<'a, T, F, A> Asks<'a, T> for F
where
    F: Fn(&'a Parts) -> A + Send + Sync,
    A: Future<Output: Answer<T>> + Send + 'a,
{
    type Future = A;

    fn call(&self, parts: &'a Parts) -> A {
        self(parts)
    }
}
