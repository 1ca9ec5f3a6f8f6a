//! `SlidingCounter`: the counts of two windows, the older one weighted.

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::counter::Counter;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// The counts of two windows, the previous one weighted by the part of it that is still in sight.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: 2L − 1 in a stretch as long as a window, if all hits of the previous window came
///   at its end; close to L under even traffic.
///
/// ```
/// use traffik::strategy::{Hit, SlidingCounter, Strategy};
///
/// let law = SlidingCounter::new();
/// let rate = "10/10s".parse()?;
/// let hit = |now, cost| Hit { rate, now, cost, who: Default::default() };
/// let state = law.decide(None, &hit(5_000_000, 10));
/// // 8 of the 10 units are still in sight.
/// assert_eq!(law.decide(state.clone(), &hit(12_000_000, 3)), None);
/// assert!(law.decide(state, &hit(12_000_000, 2)).is_some());
/// # Ok::<(), traffik::RateError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlidingCounter;

/// The state of a sliding counter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SlidingCounterMetadata {
    /// The units that the current window has admitted.
    pub current_count: u64,
    /// The units that the previous window admitted.
    pub previous_count: u64,
    /// The weighted sum that is compared with the limit.
    pub weighted_count: f64,
}

impl SlidingCounter {
    /// The strategy with its defaults, which throttles without parameters share.
    #[doc(hidden)]
    pub const DEFAULT: &Self = &Self::new();

    /// Makes the strategy, which has no parameters.
    pub const fn new() -> Self {
        Self
    }

    /// Returns the law of a rate as a constant of a macro, which has checked the rate.
    #[doc(hidden)]
    pub const fn constant_law(&self, rate: Rate) -> Law {
        let Self = self;
        Law::of_counter(Counter::new(rate))
    }
}

impl BuiltIn for SlidingCounter {
    type Metadata = SlidingCounterMetadata;

    const NAME: &'static str = "sliding_counter";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        Counter::new(rate).map(Law::Counter)
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> SlidingCounterMetadata {
        let (previous_count, current_count, weighted_count) = match law {
            Law::Counter(law) => law.weighted(state.packed(), hit.now),
            _ => (0, 0, 0.0),
        };
        SlidingCounterMetadata {
            current_count,
            previous_count,
            weighted_count,
        }
    }
}
