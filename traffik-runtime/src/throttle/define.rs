//! The trait that the macros implement for each throttle.

use std::borrow::Cow;
use std::future::{Future, ready};

use http::request::Parts;

use crate::definition::Definition;
use crate::engine::arg_values::ArgValues;
use crate::engine::cost_source::CostSource;
use crate::engine::hit::ThrottleHit;
use crate::engine::hit_set::HitSet;
use crate::engine::identity_cache::{computed_or_cached, insert};
use crate::error::Error;
use crate::flow::BoxFuture;
use crate::identity::Identity;
use crate::inline_vec::InlineVec4;
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
    const MAX_COST: u64 = u64::MAX;

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

    /// Returns the identity of the request; default: from the source in the definition.
    fn identify(parts: &Parts) -> impl Future<Output = Result<Identity, Error>> + Send {
        Self::definition().identify(parts)
    }

    /// Returns the cost of the request; default: that of the definition.
    fn cost(parts: &Parts) -> impl Future<Output = Result<u64, Error>> + Send {
        let _ = parts;
        ready(Self::definition().constant_cost())
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
        Ok(Self::definition().settings.constant_scope().clone())
    }
}

/// A function that returns values which exclude a throttle from the decision, or `None` if it
/// applies to the request.
#[doc(hidden)]
pub type Exclude = fn(&Parts) -> BoxFuture<'_, Result<Option<ArgValues>, Error>>;

/// Returns the function of this type for a throttle with predicates.
#[doc(hidden)]
pub const fn exclude<T: Define>() -> Exclude {
    |parts| {
        Box::pin(async {
            let applies = T::applies(parts).await?;
            Ok((!applies).then(|| ArgValues::excluding(T::definition())))
        })
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

    const MAX_COST: u64 = T::MAX_COST;

    const HAS_CALLBACKS: bool = T::HAS_CALLBACKS;

    const SINGLE: Option<fn() -> &'static Definition> = Some(T::definition);

    fn definitions(definitions: &mut InlineVec4<&'static Definition>) {
        definitions.push(T::definition());
    }

    async fn add_hits(parts: &Parts, cost: Option<u64>, hits: &mut HitSet) -> Result<(), Error> {
        let throttle = T::definition();
        let values = hits.take_arg_values(throttle);
        let applies = match &values {
            Some(values) => values.applies.then_some(true),
            None if hits.ignores_predicates() => Some(true),
            None => hits.mark(T::applies(parts).await?),
        };
        let Some(applies) = applies else {
            return Ok(());
        };
        let (identity, own_cost) = values.map_or((None, None), |values| values.into_parts());
        let identity = match computed_or_cached(identity, throttle, parts) {
            Some(identity) => identity,
            None => insert(throttle, parts, T::identify(parts).await?),
        };
        let for_all = cost.map(|cost| (cost, hits.cost_source));
        let (cost, cost_source) = match for_all.or(own_cost) {
            Some(cost) => cost,
            None => with_source(throttle, T::cost(parts).await?),
        };
        let (rate, scope) = (T::rate(parts).await?, T::scope(parts)?);
        hits.push(ThrottleHit {
            throttle,
            identity: Cow::Owned(identity),
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

/// Returns the source of a throttle's own cost. A callback that returns the cost of the settings
/// passes for a constant: that cost is 1 then, and a throttle that never admits 1 is closed.
fn with_source(definition: &Definition, cost: u64) -> (u64, CostSource) {
    let source = if cost == definition.settings.cost {
        CostSource::Constant
    } else {
        CostSource::Head
    };
    (cost, source)
}
