//! The trait that the macros implement for each throttle.

use std::future::{Future, ready};

use http::request::Parts;

use crate::definition::Definition;
use crate::definition::cost_source::CostSource;
use crate::engine::arg_values::ArgValues;
use crate::engine::hit::{Asking, Member};
use crate::engine::identity_cache::Known;
use crate::error::Error;
use crate::identity::Identity;
use crate::rate::Rate;
use crate::scope::Scope;
use crate::strategy::erased::{Describe, ErasedStrategy};
use crate::throttle::Throttle;
use crate::throttle::stat::{Readings, Stat};

/// One throttle, as the macros write it.
#[doc(hidden)]
pub trait Define: Send + Sync + 'static {
    /// The type of its strategy, which has the metadata of `stat`.
    type Strategy: Describe;

    /// The maximum cost that it can ever admit, if it is known at compile time.
    const LARGEST_COST: u64 = u64::MAX;

    /// `true` if a callback selects requests, or returns their identity, cost, rate or scope.
    const HAS_CALLBACKS: bool = false;

    /// Returns the definition.
    fn definition() -> &'static Definition;

    /// Returns `false` if the throttle does not apply to the request: it counts nothing then, and
    /// sends no header fields.
    fn applies(parts: &Parts) -> impl Future<Output = Result<bool, Error>> + Send {
        let _ = parts;
        ready(Ok(true))
    }

    /// Returns values that exclude the throttle from the decision, or `None` if it applies to the
    /// request.
    fn excluded(parts: &Parts) -> impl Future<Output = Result<Option<ArgValues>, Error>> + Send {
        async {
            let applies = Self::applies(parts).await?;
            Ok((!applies).then(|| ArgValues::excluding(Self::definition())))
        }
    }

    /// Returns the identity of the request; default: from the source in the definition.
    fn identify(parts: &Parts) -> impl Future<Output = Result<Identity, Error>> + Send {
        Self::definition().identify(parts)
    }

    /// Returns the cost of the request; default: that of the definition.
    fn cost(parts: &Parts) -> impl Future<Output = Result<u64, Error>> + Send {
        let _ = parts;
        ready(Ok(Self::definition().settings.cost))
    }

    /// Returns the rate for the request; default: `None`, for those of the definition.
    fn rate(parts: &Parts) -> impl Future<Output = Result<Option<Rate>, Error>> + Send {
        let _ = parts;
        ready(Ok(None))
    }

    /// Returns the scope of the request; default: that of the definition.
    ///
    /// # Errors
    ///
    /// If the callback fails.
    fn scope(parts: &Parts) -> Result<Scope, Error> {
        let _ = parts;
        Ok(Self::definition().settings.constant_scope())
    }
}

/// Returns the strategy of a throttle without its type. The compiler has checked at the throttle's
/// implementation that a user's type is a strategy, and does not report it here again.
#[doc(hidden)]
pub const fn erased_strategy<T: Define>(
    strategy: &'static T::Strategy,
) -> &'static dyn ErasedStrategy {
    strategy
}

impl<T: Define> Throttle for T {
    type Stat = Stat<<T::Strategy as Describe>::Metadata>;

    const LARGEST_COST: u64 = T::LARGEST_COST;

    const HAS_CALLBACKS: bool = T::HAS_CALLBACKS;

    const ONE: Option<fn() -> &'static Definition> = Some(T::definition);

    fn plain(asking: &mut Asking) {
        asking.add_plain(T::definition());
    }

    async fn ask(parts: &Parts, cost: Option<u64>, asking: &mut Asking) -> Result<(), Error> {
        let given = asking.given_to(T::definition());
        let applies = match &given {
            Some(given) => given.applies.then_some(true),
            None if asking.is_about_standings() => Some(true),
            None => asking.counting(T::applies(parts).await?),
        };
        let Some(applies) = applies else {
            return Ok(());
        };
        let (identity, own_cost) = given.map_or((None, None), |given| {
            let cost = given.cost.map(|cost| (cost, given.cost_source));
            (given.identity, cost)
        });
        let identity = match identity {
            Some(identity) => remembered(T::definition(), parts, identity),
            None => match known(T::definition(), parts) {
                Some(identity) => identity,
                None => remembered(T::definition(), parts, T::identify(parts).await?),
            },
        };
        let of_all = cost.map(|cost| (cost, asking.cost_source));
        let (cost, cost_source) = match of_all.or(own_cost) {
            Some(cost) => cost,
            None => with_source(T::definition(), T::cost(parts).await?),
        };
        let (rate, scope) = (T::rate(parts).await?, T::scope(parts)?);
        asking.push(Member {
            definition: T::definition(),
            identity,
            cost,
            cost_source,
            rate,
            scope,
            applies,
        });
        Ok(())
    }

    fn read(readings: &mut Readings<'_>) -> Self::Stat {
        readings.next(T::definition().strategy_as::<T::Strategy>())
    }
}

/// The source of what a throttle says of itself. The cost of one whose cost is a function is 1 in
/// the definition, and where 1 is never admitted the throttle is closed, so a function that gives
/// the definition's cost may pass for a constant.
fn with_source(definition: &Definition, cost: u64) -> (u64, CostSource) {
    let source = if cost == definition.settings.cost {
        CostSource::Constant
    } else {
        CostSource::Head
    };
    (cost, source)
}

/// Who is asking, where the request remembers it. Generic code is compiled for every throttle, so
/// there is little of it.
pub(crate) fn known(definition: &'static Definition, parts: &Parts) -> Option<Identity> {
    Known::of(parts).and_then(|known| known.get(definition))
}

/// Who is asking, as the request remembers it, else as this says.
pub(crate) fn recalled(
    definition: &'static Definition,
    parts: &Parts,
    identify: impl FnOnce() -> Identity,
) -> Identity {
    let Some(known) = Known::of(parts) else {
        return identify();
    };
    known.get(definition).unwrap_or_else(|| {
        let identity = identify();
        known.add(definition, identity.clone());
        identity
    })
}

pub(crate) fn remembered(
    definition: &'static Definition,
    parts: &Parts,
    identity: Identity,
) -> Identity {
    if let Some(known) = Known::of(parts) {
        known.add(definition, identity.clone());
    }
    identity
}
