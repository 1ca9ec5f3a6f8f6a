use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::counter::Counter;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// Counts in two windows, weighting the previous one by how much of it is still in sight.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: 2L − 1 in a stretch as long as a window, when the previous window's hits all came at its end;
///   under even traffic close to L.
///
/// ```
/// use traffik::strategy::{Hit, SlidingCounter, Strategy};
///
/// let law = SlidingCounter::new();
/// let hit = |now, cost| Hit { rate: "10/10s".parse().unwrap(), now, cost, who: Default::default() };
/// let state = law.decide(None, &hit(5_000_000, 10));
/// assert_eq!(law.decide(state.clone(), &hit(12_000_000, 3)), None); // 8 of the 10 are still in sight
/// assert!(law.decide(state, &hit(12_000_000, 2)).is_some());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlidingCounter;

/// A sliding counter's state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SlidingCounterMetadata {
    /// How many units the current window has admitted.
    pub current_count: u64,
    /// How many units the window before admitted.
    pub previous_count: u64,
    /// The sum that is held against the limit.
    pub weighted_count: f64,
}

impl SlidingCounter {
    /// What all throttles share that set nothing of it.
    #[doc(hidden)]
    pub const PLAIN: &Self = &Self::new();

    /// The strategy; it has no parameters.
    pub const fn new() -> Self {
        Self
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
