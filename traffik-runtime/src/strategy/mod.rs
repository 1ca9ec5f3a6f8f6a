//! Strategies: the laws that decide, as pure functions of parameters, a state, the time and a cost.
//!
//! A strategy reads no clock, does no I/O and is not async; a backend applies it atomically. The
//! built-in strategies are small parameterisations of the laws in [`kernel`]. [`catalog`] has their
//! names, parameters and checks. A custom strategy implements [`Strategy`].

pub(crate) mod adaptive;
pub(crate) mod built_in;
pub mod catalog;
pub(crate) mod cost_based_token_bucket;
#[cfg(feature = "engine")]
pub(crate) mod erased;
pub(crate) mod error;
pub(crate) mod factor;
pub(crate) mod fixed_window;
pub(crate) mod gcra;
pub mod kernel;
pub(crate) mod leaky_bucket;
pub(crate) mod leaky_bucket_with_queue;
pub(crate) mod priority;
pub(crate) mod quota_with_rollover;
pub(crate) mod sliding_counter;
pub(crate) mod sliding_log;
pub(crate) mod tiered;
pub(crate) mod time_of_day;
pub(crate) mod token_bucket;

pub use adaptive::{Adaptive, AdaptiveMetadata};
pub use cost_based_token_bucket::{CostBasedTokenBucket, CostBasedTokenBucketMetadata};
#[cfg(feature = "engine")]
pub use erased::Custom;
#[cfg(feature = "engine")]
pub use erased::Describe;
#[cfg(feature = "engine")]
pub use erased::ErasedStrategy;
#[cfg(feature = "engine")]
pub use erased::Metadata;
#[cfg(feature = "engine")]
pub use erased::compiled;
pub use error::StrategyError;
pub use factor::{Factor, FactorError};
pub use fixed_window::{FixedWindow, FixedWindowMetadata};
pub use gcra::{Gcra, GcraMetadata};
pub use kernel::state::State;
pub use leaky_bucket::{LeakyBucket, LeakyBucketMetadata};
pub use leaky_bucket_with_queue::{LeakyBucketWithQueue, LeakyBucketWithQueueMetadata};
pub use priority::{Priority, PriorityMetadata};
pub use quota_with_rollover::{QuotaWithRollover, QuotaWithRolloverMetadata};
pub use sliding_counter::{SlidingCounter, SlidingCounterMetadata};
pub use sliding_log::{SlidingLog, SlidingLogMetadata};
pub use tiered::{Tiered, TieredMetadata};
pub use time_of_day::{TimeOfDay, TimeOfDayMetadata};
pub use token_bucket::{TokenBucket, TokenBucketMetadata};

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::decision::Report;
use crate::identity;
use crate::rate::Rate;
use crate::strategy::kernel::Law;

/// A hit, as an argument of a law.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    /// The rate that limits the client.
    pub rate: Rate,
    /// The time since 1970 in microseconds.
    pub now: u64,
    /// The units that the hit costs.
    pub cost: u64,
    /// The properties of the client.
    pub who: Who<'a>,
}

/// The properties of a client that laws use, beyond its key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Who<'a> {
    /// The client's tier.
    pub tier: Option<&'a str>,
    /// The importance of the client's requests.
    pub priority: identity::Priority,
    /// The strategy's own signal, if it has one and was called already.
    #[doc(hidden)]
    pub load: Option<f64>,
}

/// A law, and the reports and metadata that describe its states.
///
/// A custom law implements three pure functions. The state is stored with serde, and dropped once
/// the `reset` time of its report has passed.
///
/// ```
/// use std::time::Duration;
/// use traffik::Report;
/// use traffik::strategy::{Hit, Strategy};
///
/// /// Admits one hit, and the next when a whole period has passed.
/// #[derive(Debug)]
/// struct Cooldown;
///
/// impl Strategy for Cooldown {
///     type State = u64; // when the last hit was admitted
///     type Metadata = ();
///
///     fn name(&self) -> &'static str {
///         "cooldown"
///     }
///
///     fn decide(&self, last: Option<u64>, hit: &Hit<'_>) -> Option<u64> {
///         let due = last.map_or(0, |last| last + hit.rate.period_micros());
///         (hit.now >= due).then_some(hit.now)
///     }
///
///     fn report(&self, last: Option<&u64>, hit: &Hit<'_>) -> Report {
///         let due = last.map_or(0, |last| last + hit.rate.period_micros());
///         let wait = Duration::from_micros(due.saturating_sub(hit.now));
///         let next = (!wait.is_zero()).then_some(wait);
///         let remaining = wait.is_zero().into();
///         Report { limit: 1, remaining, wait: Some(wait), next, reset: wait, ..Report::default() }
///     }
///
///     fn metadata(&self, _: Option<&u64>, _: &Hit<'_>) {}
/// }
///
/// let hit = Hit { rate: "1/10s".parse()?, now: 5_000_000, cost: 1, who: Default::default() };
/// assert_eq!(Cooldown.decide(None, &hit), Some(5_000_000));
/// assert_eq!(Cooldown.decide(Some(1_000_000), &hit), None);
/// assert_eq!(Cooldown.report(Some(&1_000_000), &hit).wait, Some(Duration::from_secs(6)));
/// # Ok::<(), traffik::RateError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a strategy",
    label = "not a strategy",
    note = "a custom strategy implements `traffik::strategy::Strategy`"
)]
pub trait Strategy: fmt::Debug + Send + Sync + 'static {
    /// The state of one client.
    type State: Serialize + DeserializeOwned + Send + 'static;

    /// The properties of a state in [`stat`](crate::throttle::stat::Stat), beyond those that all
    /// strategies have.
    type Metadata: Serialize + fmt::Debug + Send + 'static;

    /// Returns the name that tells this strategy's states from those of others.
    fn name(&self) -> &'static str;

    /// Returns the state after the hit if the law admits it, and `None` if it refuses. The state is
    /// `None` for a new client.
    ///
    /// The cost is at least 1: backends admit a cost of 0 by themselves.
    fn decide(&self, state: Option<Self::State>, hit: &Hit<'_>) -> Option<Self::State>;

    /// Reports on a state: how much remains, and how long a hit of this cost would wait.
    fn report(&self, state: Option<&Self::State>, hit: &Hit<'_>) -> Report;

    /// Describes the state in the terms of this strategy.
    fn metadata(&self, state: Option<&Self::State>, hit: &Hit<'_>) -> Self::Metadata;

    /// Returns the state after a refund at the microsecond `now`: a reservation was too large, or
    /// another member of a set refused. `hit` is the hit that was admitted, and its cost is the
    /// part to refund.
    ///
    /// By default the state stays, so that nothing is refunded.
    fn refund(&self, state: Self::State, hit: &Hit<'_>, now: u64) -> Self::State {
        let _ = (hit, now);
        state
    }

    /// Reports whether the law depends on the client or the time, so that it is computed for each
    /// hit.
    #[doc(hidden)]
    fn is_dynamic(&self) -> bool {
        false
    }

    /// Calls the signal that decides beside the client's use, if there is one.
    #[doc(hidden)]
    fn load(&self) -> Option<f64> {
        None
    }

    /// Computes the built-in law that this strategy is made of.
    ///
    /// # Errors
    ///
    /// [`StrategyError`] if the parameters are invalid, alone or with the rate.
    #[doc(hidden)]
    fn law(&self, rate: Rate, who: &Who<'_>) -> Result<Law, StrategyError> {
        let _ = who;
        Ok(if rate.is_unlimited() {
            Law::Unlimited
        } else if rate.is_closed() {
            Law::Closed
        } else {
            Law::Custom
        })
    }
}
