//! Throttles: a rate, a strategy and an identifier under a name.
//!
//! A throttle is a type for which the macros implement [`Define`]. Code calls the methods of
//! [`Throttle`], on one throttle or on a tuple of them. A [`DynThrottle`] is a throttle that is
//! built at run time, for code without requests.

pub(crate) mod deadline;
pub(crate) mod define;
pub(crate) mod dynamic;
pub(crate) mod quota;
pub(crate) mod reservation;
pub(crate) mod stat;
pub(crate) mod tuple;

pub use deadline::Deadline;
pub use define::{Define, erased_strategy};
pub use dynamic::{DynThrottle, DynThrottleBuilder};
pub use quota::Quota;
pub use reservation::Reservation;
pub use stat::{Readings, Stat};

use std::future::Future;

use http::request::Parts;

use crate::decision::Decision;
use crate::definition::Definition;
use crate::engine::hit::Asking;
use crate::error::Error;
use crate::throttle::stat::stat_of;

/// One throttle, or a set of throttles: a tuple, which admits a hit only if every member does, and
/// otherwise counts it on none.
///
/// Implemented for every throttle that `#[throttled]` and `throttles!` define, and for tuples of
/// throttles.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a throttle",
    label = "not a throttle",
    note = "throttles are defined by `traffik::throttles! {{ … }}`, or by `#[throttled(rate = …)]` on a handler of that name",
    note = "a tuple of throttles is one too"
)]
pub trait Throttle: Sized + Send + Sync + 'static {
    /// The result of [`stat`](Self::stat): a [`Stat`], or a tuple of them for a set.
    type Stat: Send;

    /// The maximum cost that every member can ever admit, if it is known at compile time.
    #[doc(hidden)]
    const LARGEST_COST: u64;

    /// `true` if a member calls a function of the application.
    #[doc(hidden)]
    const HAS_CALLBACKS: bool;

    /// The definition, if there is one member.
    #[doc(hidden)]
    const ONE: Option<fn() -> &'static Definition> = None;

    /// Adds members that ask no function.
    #[doc(hidden)]
    fn plain(asking: &mut Asking);

    /// Adds what has to be decided for a request, with the members' own costs or this one.
    #[doc(hidden)]
    fn ask<'a>(
        parts: &'a Parts,
        cost: Option<u64>,
        asking: &'a mut Asking,
    ) -> impl Future<Output = Result<(), Error>> + Send + 'a;

    /// Reads the states of the members, in order.
    #[doc(hidden)]
    fn read(readings: &mut Readings<'_>) -> Self::Stat;

    /// Counts the cost of one request, on every member or on none.
    ///
    /// # Errors
    ///
    /// If no decision can be made. A refusal is a [`Decision`], not an error.
    fn hit(parts: &Parts) -> impl Future<Output = Result<Decision, Error>> + Send {
        hit::<Self>(parts, None)
    }

    /// Counts this cost instead of that of the definition.
    ///
    /// # Errors
    ///
    /// If no decision can be made.
    fn hit_cost(parts: &Parts, cost: u64) -> impl Future<Output = Result<Decision, Error>> + Send {
        hit::<Self>(parts, Some(cost))
    }

    /// Returns `true` if a hit of this cost would be admitted now. Counts nothing.
    ///
    /// # Errors
    ///
    /// If no decision can be made.
    fn check(parts: &Parts, cost: u64) -> impl Future<Output = Result<bool, Error>> + Send {
        check::<Self>(parts, cost)
    }

    /// Returns the state of the request's client. Counts nothing.
    ///
    /// # Errors
    ///
    /// If the state cannot be read.
    fn stat(parts: &Parts) -> impl Future<Output = Result<Self::Stat, Error>> + Send {
        stat::<Self>(parts)
    }
}

async fn hit<T: Throttle>(parts: &Parts, cost: Option<u64>) -> Result<Decision, Error> {
    let mut asking = Asking::default();
    T::ask(parts, cost, &mut asking).await?;
    crate::engine::hit(&asking.asked(None), Some(parts)).await
}

async fn check<T: Throttle>(parts: &Parts, cost: u64) -> Result<bool, Error> {
    let mut asking = Asking::default();
    T::ask(parts, Some(0), &mut asking).await?;
    crate::engine::would_admit(&asking.asked(None), Some(parts), cost).await
}

async fn stat<T: Throttle>(parts: &Parts) -> Result<T::Stat, Error> {
    let mut asking = Asking::of_standings();
    T::ask(parts, Some(0), &mut asking).await?;
    stat_of::<T>(&asking, parts).await
}
