//! Futures told from values, by their types.

use std::future::{Future, Ready, ready};
use std::marker::PhantomData;

use crate::error::Error;

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

    /// What to await for what is made of it.
    pub async fn settle<F: Future, T>(
        self,
        future: F,
        take: impl FnOnce(F::Output) -> Result<T, Error>,
    ) -> Result<T, Error> {
        take(future.await)
    }
}

impl Now {
    /// Something to await that is there already.
    pub fn wait<T>(self, value: T) -> Ready<T> {
        ready(value)
    }

    /// The same for what is made of it, which is made at once: the value may be borrowed.
    pub fn settle<A, T>(
        self,
        value: A,
        take: impl FnOnce(A) -> Result<T, Error>,
    ) -> Ready<Result<T, Error>> {
        ready(take(value))
    }
}

/// What a closure gives that has all it needs.
pub fn called<T>(closure: impl FnOnce() -> T) -> T {
    closure()
}
