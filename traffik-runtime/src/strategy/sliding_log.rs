//! `SlidingLog`: every hit of the last period.

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::log::Log;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// A record of every hit of the last period, which is exact.
///
/// * Memory: 16 bytes for each microsecond with a hit, so up to L entries.
/// * Worst case: L in any stretch as long as the period.
///
/// ```
/// use traffik::strategy::{Hit, SlidingLog, Strategy};
///
/// let law = SlidingLog::new();
/// let hit = |now| Hit { rate: "1/10s".parse().unwrap(), now, cost: 1, who: Default::default() };
/// let state = law.decide(None, &hit(5_000_000));
/// assert!(law.decide(state.clone(), &hit(14_999_999)).is_none());
/// assert!(law.decide(state, &hit(15_000_000)).is_some());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlidingLog;

/// The state of a sliding log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SlidingLogMetadata {
    /// The number of entries that still count.
    pub entry_count: u64,
    /// The cost of these entries.
    pub current_cost_sum: u64,
    /// The time of the oldest of them, in milliseconds since 1970.
    pub oldest_entry_ms: Option<u64>,
}

impl SlidingLog {
    /// The strategy with its defaults, which throttles without parameters share.
    #[doc(hidden)]
    pub const DEFAULT: &Self = &Self::new();

    /// Makes the strategy, which has no parameters.
    pub const fn new() -> Self {
        Self
    }
}

impl BuiltIn for SlidingLog {
    type Metadata = SlidingLogMetadata;

    const NAME: &'static str = "sliding_log";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        Ok(Law::Log(Log::new(rate, rate.limit())))
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> SlidingLogMetadata {
        let Law::Log(law) = law else {
            return SlidingLogMetadata::default();
        };
        let (entries, sum, oldest) = law.summary(state.entries(), hit.now);
        SlidingLogMetadata {
            entry_count: entries as u64,
            current_cost_sum: sum,
            oldest_entry_ms: oldest.map(|at| at / 1_000),
        }
    }
}
