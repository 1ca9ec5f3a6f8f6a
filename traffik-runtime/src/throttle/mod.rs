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
pub use define::{Define, Exclude, erased_strategy, exclude};
pub use dynamic::{DynThrottle, DynThrottleBuilder};
pub use quota::Quota;
pub use reservation::Reservation;
pub use stat::{Readings, Stat};

use std::future::Future;

use http::request::Parts;

use crate::decision::Decision;
use crate::definition::Definition;
use crate::engine;
use crate::engine::backends::HitBackends;
use crate::engine::hit::HitRef;
use crate::engine::hit_set::{HitSet, RequestHits};
use crate::engine::{fast_path, fast_set};
use crate::error::Error;
use crate::flow::BoxFuture;
use crate::inline_vec::InlineVec4;

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
    const MAX_COST: u64;

    /// `true` if a member calls a function of the application.
    #[doc(hidden)]
    const HAS_CALLBACKS: bool;

    /// The definition, if this is a throttle and not a set.
    #[doc(hidden)]
    const SINGLE: Option<fn() -> &'static Definition> = None;

    /// Adds the definitions of all members.
    #[doc(hidden)]
    fn definitions(definitions: &mut InlineVec4<&'static Definition>);

    /// Adds the hits of a request, at the members' own costs or at this one.
    #[doc(hidden)]
    fn add_hits<'a>(
        parts: &'a Parts,
        cost: Option<u64>,
        hits: &'a mut HitSet,
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

/// A function that adds the hits of a request: `Throttle::add_hits` of a throttle.
#[doc(hidden)]
pub type AddHits =
    for<'a> fn(&'a Parts, Option<u64>, &'a mut HitSet) -> BoxFuture<'a, Result<(), Error>>;

/// Returns `Throttle::add_hits` of a throttle, without the throttle's type.
#[doc(hidden)]
pub const fn add_hits_of<T: Throttle>() -> AddHits {
    |parts, cost, hits| Box::pin(T::add_hits(parts, cost, hits))
}

async fn hit<T: Throttle>(parts: &Parts, cost: Option<u64>) -> Result<Decision, Error> {
    // The future of a request with callbacks is large, and most requests need none.
    match decide_constant::<T>(parts, cost) {
        Attempt::Decided(decision) => Ok(decision),
        Attempt::NeedsBatch(backends) => Box::pin(hit_any::<T>(parts, cost, Some(backends))).await,
        Attempt::NeedsCallbacks => Box::pin(hit_any::<T>(parts, cost, None)).await,
    }
}

/// An attempt to decide hits in memory, whose identities are constants.
enum Attempt<'a> {
    Decided(Decision),
    /// No fast path decides them, on these backends. Nothing has changed.
    NeedsBatch(HitBackends<'a>),
    /// They call functions, or their identities depend on the request.
    NeedsCallbacks,
}

#[inline(never)]
fn decide_constant<T: Throttle>(parts: &Parts, cost: Option<u64>) -> Attempt<'_> {
    if T::HAS_CALLBACKS {
        return Attempt::NeedsCallbacks;
    }
    let mut hits: InlineVec4<HitRef<'_, '_>> = InlineVec4::new();
    if let Some(definition) = T::SINGLE {
        let Some(hit) = definition().constant_hit(parts, cost) else {
            return Attempt::NeedsCallbacks;
        };
        if let Some(decision) = fast_path::decide_ref(hit) {
            return Attempt::Decided(decision);
        }
        hits.push(hit);
    } else {
        let mut definitions = InlineVec4::new();
        T::definitions(&mut definitions);
        for definition in definitions {
            let Some(hit) = definition.constant_hit(parts, cost) else {
                return Attempt::NeedsCallbacks;
            };
            hits.push(hit);
        }
    }
    let backends = HitBackends::of(hits.iter().map(|hit| hit.throttle), Some(parts));
    let fast = |backend| fast_set::decide(&hits, backend);
    match backends.common().and_then(fast) {
        Some(decision) => Attempt::Decided(decision),
        None => Attempt::NeedsBatch(backends),
    }
}

/// Decides any hits. The backends are looked up if no fast path decides them.
async fn hit_any<T: Throttle>(
    parts: &Parts,
    cost: Option<u64>,
    backends: Option<HitBackends<'_>>,
) -> Result<Decision, Error> {
    let mut hits = HitSet::default();
    T::add_hits(parts, cost, &mut hits).await?;
    let request = RequestHits { hits, parts };
    match backends {
        Some(backends) => engine::decide_in_batch(request, backends, None).await,
        None => engine::decide(request, None).await.1,
    }
}

async fn check<T: Throttle>(parts: &Parts, cost: u64) -> Result<bool, Error> {
    let mut hits = HitSet::default();
    T::add_hits(parts, Some(0), &mut hits).await?;
    Box::pin(engine::would_admit(hits.hits(), Some(parts), cost)).await
}

async fn stat<T: Throttle>(parts: &Parts) -> Result<T::Stat, Error> {
    let mut hits = HitSet::for_look();
    T::add_hits(parts, Some(0), &mut hits).await?;
    stat_of::<T>(&hits, parts).await
}

/// Returns how the client of a request stands with each member.
pub(crate) async fn stat_of<T: Throttle>(hits: &HitSet, parts: &Parts) -> Result<T::Stat, Error> {
    let look = engine::look(hits.hits(), Some(parts)).await?;
    Ok(T::read(&mut Readings::new(look.into_states()?)))
}
