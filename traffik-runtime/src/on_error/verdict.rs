//! What a handler is told, and what it may answer.

use std::future::{IntoFuture, Ready, ready};
use std::time::Duration;

use http::request::Parts;

use crate::error::Error;
use crate::rate::Rate;

/// A decision that a backend failed to make.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// What went wrong.
    pub error: &'a Error,
    /// The throttle that was to be decided.
    pub uid: &'a str,
    /// Its rate; of several, the first.
    pub rate: Rate,
    /// What the hit costs.
    pub cost: u64,
    /// Which backend failed, in a word: `memory`, `redis`, `memcached`, or `custom` for a store of your own.
    pub backend: &'static str,
    /// The request's head, if there is a request.
    pub parts: Option<&'a Parts>,
}

/// What is to become of a hit that could not be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is admitted, and nothing is counted.
    Allow,
    /// It is refused as if the limit were reached; the client is told to come back after this time.
    Throttle(Duration),
    /// It is an error: 503 for HTTP, the [`Error`] itself for direct use.
    Raise,
}

/// A verdict is at hand, so that handlers need not be async.
impl IntoFuture for Verdict {
    type Output = Self;
    type IntoFuture = Ready<Self>;

    fn into_future(self) -> Ready<Self> {
        ready(self)
    }
}
