//! Throttles: a rate, a strategy and an identifier bound together under a name.
//!
//! A throttle is a type that implements [`Define`], which the macros write down; [`Throttle`] is what code calls, on one
//! throttle or on a tuple of them. [`DynThrottle`] is the same made at run time, for code without requests.

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

/// One throttle, or a set of them: a tuple, which admits only if every member does, and else takes from none.
///
/// Implemented for every throttle that `#[throttled]` and `throttles!` define, and for tuples of throttles.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a throttle",
    label = "not a throttle",
    note = "throttles are defined by `traffik::throttles! {{ … }}`, or by `#[throttled(rate = …)]` on a handler of that name",
    note = "a tuple of throttles is one too"
)]
pub trait Throttle: Sized + Send + Sync + 'static {
    /// What [`stat`](Self::stat) gives: a [`Stat`], or for a set a tuple of them.
    type Stat: Send;

    /// The largest cost every member can ever admit, as far as it is known when the program is compiled.
    #[doc(hidden)]
    const LARGEST_COST: u64;

    /// `true` if a member calls a function of the application.
    #[doc(hidden)]
    const HAS_CALLBACKS: bool;

    /// The definition of the only member.
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

    /// Takes the members' readings, in order.
    #[doc(hidden)]
    fn read(readings: &mut Readings<'_>) -> Self::Stat;

    /// Takes the cost of one request, from every member or from none.
    ///
    /// # Errors
    ///
    /// When it cannot be decided. To be refused is no error, but a [`Decision`].
    fn hit(parts: &Parts) -> impl Future<Output = Result<Decision, Error>> + Send {
        hit::<Self>(parts, None)
    }

    /// Takes this cost instead of the definition's.
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
    fn hit_cost(parts: &Parts, cost: u64) -> impl Future<Output = Result<Decision, Error>> + Send {
        hit::<Self>(parts, Some(cost))
    }

    /// Whether a hit of this cost would be admitted now; takes nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
    fn check(parts: &Parts, cost: u64) -> impl Future<Output = Result<bool, Error>> + Send {
        check::<Self>(parts, cost)
    }

    /// How the request's client stands; takes nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
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
