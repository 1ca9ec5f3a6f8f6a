//! Strategies and their metadata behind one type each.

use std::any::Any;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::catalog::spec::Spec;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Strategy, Who};

/// A [`Strategy`] of any type, for stores and throttles.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a strategy",
    label = "not a strategy",
    note = "implement `traffik::strategy::Strategy` for it"
)]
pub trait ErasedStrategy: Any + fmt::Debug + Send + Sync {
    /// See [`Strategy::name`].
    fn name(&self) -> &'static str;

    /// See [`Strategy::law`].
    fn law(&self, rate: Rate, who: &Who<'_>) -> Result<Law, StrategyError>;

    /// See [`Strategy::is_dynamic`].
    fn is_dynamic(&self) -> bool;

    /// See [`Strategy::load`].
    fn load(&self) -> Option<f64>;

    /// [`Strategy::decide`] on a stored state. A state that cannot be read counts as none.
    fn decide(&self, state: Option<&[u8]>, hit: &Hit<'_>) -> Option<Vec<u8>>;

    /// [`Strategy::refund`] on a stored state; `None` if there is none.
    fn refund(&self, state: Option<&[u8]>, hit: &Hit<'_>, now: u64) -> Option<Vec<u8>>;

    /// [`Strategy::report`] on a stored state.
    fn report(&self, state: Option<&[u8]>, hit: &Hit<'_>) -> Report;

    /// [`Strategy::metadata`] on a stored state.
    fn metadata(&self, state: &State, hit: &Hit<'_>) -> Metadata;

    /// Returns the strategy as one of the catalog, if it is one.
    fn spec(&self) -> Option<Spec>;
}

#[diagnostic::do_not_recommend]
impl<S: Strategy> ErasedStrategy for S {
    fn name(&self) -> &'static str {
        Strategy::name(self)
    }

    fn law(&self, rate: Rate, who: &Who<'_>) -> Result<Law, StrategyError> {
        Strategy::law(self, rate, who)
    }

    fn is_dynamic(&self) -> bool {
        Strategy::is_dynamic(self)
    }

    fn load(&self) -> Option<f64> {
        Strategy::load(self)
    }

    fn decide(&self, state: Option<&[u8]>, hit: &Hit<'_>) -> Option<Vec<u8>> {
        let state = Strategy::decide(self, state.and_then(read), hit)?;
        rmp_serde::to_vec_named(&state).ok()
    }

    fn refund(&self, state: Option<&[u8]>, hit: &Hit<'_>, now: u64) -> Option<Vec<u8>> {
        let state = Strategy::refund(self, state.and_then(read)?, hit, now);
        rmp_serde::to_vec_named(&state).ok()
    }

    fn report(&self, state: Option<&[u8]>, hit: &Hit<'_>) -> Report {
        Strategy::report(self, state.and_then(read).as_ref(), hit)
    }

    fn metadata(&self, state: &State, hit: &Hit<'_>) -> Metadata {
        Metadata(Box::new(self.describe(state, hit)))
    }

    fn spec(&self) -> Option<Spec> {
        Spec::of_value(self)
    }
}

/// The metadata of a strategy's state: typed where the strategy's type is static, [`Metadata`]
/// otherwise.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a strategy",
    label = "not a strategy",
    note = "implement `traffik::strategy::Strategy` for it"
)]
pub trait Describe: ErasedStrategy {
    /// The type of the metadata.
    type Metadata: Serialize + fmt::Debug + Send + 'static;

    /// Describes a stored state in the terms of the strategy.
    fn describe(&self, state: &State, hit: &Hit<'_>) -> Self::Metadata;
}

#[diagnostic::do_not_recommend]
impl<S: Strategy> Describe for S {
    type Metadata = S::Metadata;

    fn describe(&self, state: &State, hit: &Hit<'_>) -> S::Metadata {
        // The state of a built-in strategy is `State` itself.
        if let Some(own) = (state as &dyn Any).downcast_ref() {
            return self.metadata(Some(own), hit);
        }
        let bytes = match state {
            State::Bytes(bytes) => bytes.as_deref(),
            _ => None,
        };
        self.metadata(bytes.and_then(read).as_ref(), hit)
    }
}

/// A strategy of a type that is not named, as in `strategy = custom(expr)`.
pub struct Custom(Box<dyn ErasedStrategy>);

impl Custom {
    /// Forgets the strategy's type.
    pub fn new(strategy: impl Strategy) -> Self {
        Self(Box::new(strategy))
    }
}

/// Prints the strategy itself.
impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ErasedStrategy for Custom {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn law(&self, rate: Rate, who: &Who<'_>) -> Result<Law, StrategyError> {
        self.0.law(rate, who)
    }

    fn is_dynamic(&self) -> bool {
        self.0.is_dynamic()
    }

    fn load(&self) -> Option<f64> {
        self.0.load()
    }

    fn decide(&self, state: Option<&[u8]>, hit: &Hit<'_>) -> Option<Vec<u8>> {
        self.0.decide(state, hit)
    }

    fn refund(&self, state: Option<&[u8]>, hit: &Hit<'_>, now: u64) -> Option<Vec<u8>> {
        self.0.refund(state, hit, now)
    }

    fn report(&self, state: Option<&[u8]>, hit: &Hit<'_>) -> Report {
        self.0.report(state, hit)
    }

    fn metadata(&self, state: &State, hit: &Hit<'_>) -> Metadata {
        self.0.metadata(state, hit)
    }

    fn spec(&self) -> Option<Spec> {
        self.0.spec()
    }
}

impl Describe for dyn ErasedStrategy {
    type Metadata = Metadata;

    fn describe(&self, state: &State, hit: &Hit<'_>) -> Metadata {
        self.metadata(state, hit)
    }
}

impl Describe for Custom {
    type Metadata = Metadata;

    fn describe(&self, state: &State, hit: &Hit<'_>) -> Metadata {
        self.0.metadata(state, hit)
    }
}

/// The metadata of a strategy of any type. It serialises as the value inside.
pub struct Metadata(Box<dyn AnyMetadata>);

impl Metadata {
    /// Returns the metadata as its type, such as
    /// [`TokenBucketMetadata`](crate::strategy::token_bucket::TokenBucketMetadata).
    pub fn downcast_ref<M: 'static>(&self) -> Option<&M> {
        (&*self.0 as &dyn Any).downcast_ref()
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        erased_serde::serialize(&*self.0, serializer)
    }
}

trait AnyMetadata: erased_serde::Serialize + fmt::Debug + Any + Send {}

impl<M: Serialize + fmt::Debug + Send + 'static> AnyMetadata for M {}

/// Decodes a state. Bytes that are cut short, too long or malformed are no state.
fn read<T: DeserializeOwned>(mut bytes: &[u8]) -> Option<T> {
    let state = rmp_serde::from_read(&mut bytes).ok()?;
    bytes.is_empty().then_some(state)
}

/// Instantiates the generic code above for the built-in strategies in this crate, so that crates
/// that use them need not compile it again.
#[doc(hidden)]
pub fn compiled<'a>(
    (one, two, three, four): (
        &'a crate::strategy::fixed_window::FixedWindow,
        &'a crate::strategy::sliding_counter::SlidingCounter,
        &'a crate::strategy::sliding_log::SlidingLog,
        &'a crate::strategy::token_bucket::TokenBucket,
    ),
    (five, six, seven): (
        &'a crate::strategy::leaky_bucket::LeakyBucket,
        &'a crate::strategy::leaky_bucket_with_queue::LeakyBucketWithQueue,
        &'a crate::strategy::gcra::Gcra,
    ),
    (eight, nine, ten): (
        &'a crate::strategy::tiered::Tiered,
        &'a crate::strategy::time_of_day::TimeOfDay,
        &'a crate::strategy::quota_with_rollover::QuotaWithRollover,
    ),
    (eleven, twelve, thirteen): (
        &'a crate::strategy::adaptive::Adaptive,
        &'a crate::strategy::priority::Priority,
        &'a crate::strategy::cost_based_token_bucket::CostBasedTokenBucket,
    ),
) -> [&'a dyn ErasedStrategy; 13] {
    [
        one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen,
    ]
}
