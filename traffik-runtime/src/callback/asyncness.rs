//! Futures distinguished from values, by their types.

use std::future::{Future, Ready, ready};
use std::marker::PhantomData;

use crate::error::Error;
use crate::flow::Flow;

/// A handle on a value's type, for traits to be selected by.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    /// Makes a handle on the type of this value.
    pub const fn of(_: &T) -> Self {
        Self(PhantomData)
    }
}

/// A function whose value has to be awaited.
#[derive(Clone, Copy, Debug)]
pub struct IsAsync;

/// A function that returns its value.
#[derive(Clone, Copy, Debug)]
pub struct IsSync;

/// Selects futures.
pub trait AsyncKind {
    /// Returns the kind of a future.
    fn __traffik_kind(&self) -> IsAsync {
        IsAsync
    }
}

/// Selects everything else.
pub trait SyncKind {
    /// Returns the kind of a value that is not a future.
    fn __traffik_kind(&self) -> IsSync {
        IsSync
    }
}

impl<T: Future> AsyncKind for Probe<T> {}
impl<T> SyncKind for &Probe<T> {}

impl IsAsync {
    /// Returns the future unchanged.
    pub fn into_future<F>(self, future: F) -> F {
        future
    }

    /// Parses the value of a future once it is ready.
    pub fn parse<'a, F: Future + Send + 'a, T>(
        self,
        future: F,
        parse: impl FnOnce(F::Output) -> Result<T, Error> + Send + 'a,
    ) -> CallbackValue<'a, T> {
        CallbackValue(Flow::pending(async { parse(future.await) }))
    }
}

impl IsSync {
    /// Returns a future that is ready.
    pub fn into_future<T>(self, value: T) -> Ready<T> {
        ready(value)
    }

    /// Parses a value now, since it may be borrowed.
    pub fn parse<'a, A, T>(
        self,
        value: A,
        parse: impl FnOnce(A) -> Result<T, Error>,
    ) -> CallbackValue<'a, T> {
        CallbackValue(Flow::Ready(parse(value)))
    }
}

/// The parsed value of a callback, which it has returned or will return.
#[derive(Debug)]
#[must_use]
pub struct CallbackValue<'a, T>(Flow<'a, Result<T, Error>>);

impl<T> CallbackValue<'_, T> {
    /// Awaits the callback if it is async.
    pub(crate) async fn resolve(self) -> Result<T, Error> {
        self.0.await
    }
}

/// Calls a closure.
pub fn call_closure<T>(closure: impl FnOnce() -> T) -> T {
    closure()
}
