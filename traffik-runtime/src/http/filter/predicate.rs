//! Functions of the application's that say whether a request matches.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;

use crate::answer::{Agrees, Later, Now, agreement_taken};
use crate::error::Error;

/// A `fn(&Parts) -> bool`, async or not, fallible or not. Which of them it is, its type says; nobody else implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no predicate",
    label = "not a `fn(&Parts) -> bool`",
    note = "a predicate gives `bool`, or a `Result` of it, async or not",
    note = "a closure needs the type of its argument: `|parts: &Parts| …`"
)]
pub trait Predicate<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn question(self) -> Arc<dyn Question>;
}

/// A predicate of whatever type.
#[doc(hidden)]
pub trait Question: Send + Sync {
    /// The answer; it is borrowed from the request.
    fn ask<'a>(&'a self, parts: &'a Parts) -> Asked<'a>;
}

type Asked<'a> = Pin<Box<dyn Future<Output = Result<bool, Error>> + Send + 'a>>;

impl fmt::Debug for dyn Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Predicate")
    }
}

fn answered(answer: impl Agrees) -> Result<bool, Error> {
    agreement_taken("predicate", answer)
}

/// One that answers at once.
struct AtOnce<F>(F);

impl<F, A> Predicate<(Now, A)> for F
where
    F: Fn(&Parts) -> A + Send + Sync + 'static,
    A: Agrees,
{
    fn question(self) -> Arc<dyn Question> {
        Arc::new(AtOnce(move |parts: &Parts| answered(self(parts))))
    }
}

impl<F: Fn(&Parts) -> Result<bool, Error> + Send + Sync> Question for AtOnce<F> {
    fn ask<'a>(&'a self, parts: &'a Parts) -> Asked<'a> {
        let answer = (self.0)(parts);
        Box::pin(async { answer })
    }
}

/// One that has to be awaited.
struct Awaited<F>(F);

/// What an async function of a head of any lifetime is.
#[doc(hidden)]
pub trait Asks<'a>: Send + Sync {
    /// What it gives.
    type Future: Future<Output: Agrees> + Send + 'a;

    /// Calls it.
    fn call(&self, parts: &'a Parts) -> Self::Future;
}

impl<'a, F, A> Asks<'a> for F
where
    F: Fn(&'a Parts) -> A + Send + Sync,
    A: Future<Output: Agrees> + Send + 'a,
{
    type Future = A;

    fn call(&self, parts: &'a Parts) -> A {
        self(parts)
    }
}

impl<F> Predicate<Later> for F
where
    F: for<'a> Asks<'a> + 'static,
{
    fn question(self) -> Arc<dyn Question> {
        Arc::new(Awaited(self))
    }
}

impl<F: for<'a> Asks<'a>> Question for Awaited<F> {
    fn ask<'a>(&'a self, parts: &'a Parts) -> Asked<'a> {
        let answer = self.0.call(parts);
        Box::pin(async { answered(answer.await) })
    }
}
