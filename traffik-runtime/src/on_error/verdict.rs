//! The argument and the result of a handler.

use std::future::{IntoFuture, Ready, ready};
use std::time::Duration;

use http::request::Parts;

use crate::error::Error;
use crate::rate::Rate;

/// A hit that a backend failed to decide.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The backend's error.
    pub error: &'a Error,
    /// The uid of the throttle.
    pub uid: &'a str,
    /// The throttle's rate; of several, the first.
    pub rate: Rate,
    /// The cost of the hit.
    pub cost: u64,
    /// The kind of backend that failed: `memory`, `redis`, `memcached`, or `custom` for a store of
    /// your own.
    pub backend: &'static str,
    /// The request's head, if there is a request.
    pub parts: Option<&'a Parts>,
}

/// The decision on a hit that the backend failed to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The hit is admitted, and nothing is counted.
    Allow,
    /// The hit is refused as if the limit were reached; the client may come back after this time.
    Throttle(Duration),
    /// The hit is an error: 503 for HTTP, the [`Error`] itself for direct use.
    Raise,
}

/// A verdict is ready at once, so that handlers need not be async.
impl IntoFuture for Verdict {
    type Output = Self;
    type IntoFuture = Ready<Self>;

    fn into_future(self) -> Ready<Self> {
        ready(self)
    }
}
