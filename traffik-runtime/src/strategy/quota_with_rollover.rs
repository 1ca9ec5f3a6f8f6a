//! `QuotaWithRollover`: fixed windows that carry over a part of what was left unused.

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::factor::{Factor, FactorError};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::rollover::Rollover;
use crate::strategy::kernel::state::State;
use crate::strategy::kernel::tick::EXACT;
use crate::strategy::{Hit, Who};

/// Fixed windows that carry over a part of what the previous window left unused.
///
/// Units are carried over once. A new client counts as one that used nothing before.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: L plus the carry of an unused window in any window; 2L plus that carry around a
///   boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaWithRollover {
    percent: Factor,
    max: u64,
    problem: Option<FactorError>,
}

/// The state of a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QuotaWithRolloverMetadata {
    /// The limit without carried units.
    pub base_limit: u64,
    /// The carried units.
    pub rollover_amount: u64,
    /// The limit with carried units.
    pub effective_limit: u64,
    /// The used units.
    pub usage: u64,
}

impl QuotaWithRollover {
    /// Makes windows that carry over half of what was left unused, at most 500 units.
    pub const fn new() -> Self {
        Self {
            percent: Factor::millionths(50_000_000),
            max: 500,
            problem: None,
        }
    }

    /// Makes windows that carry over this percentage, at most `max` units.
    pub const fn of(percent: Factor, max: u64) -> Self {
        Self {
            percent,
            max,
            problem: None,
        }
    }

    /// Sets the percentage of unused units that is carried over, 0 to 100; default 50.
    #[must_use]
    pub fn percent<E: Into<FactorError>>(self, percent: impl TryInto<Factor, Error = E>) -> Self {
        match percent.try_into() {
            Ok(percent) => Self { percent, ..self },
            Err(problem) => Self {
                problem: Some(problem.into()),
                ..self
            },
        }
    }

    /// Sets the largest number of units that are carried over; default 500.
    #[must_use]
    pub const fn max(self, max: u64) -> Self {
        Self { max, ..self }
    }

    /// Returns the percentage and the maximum that were set.
    pub const fn settings(&self) -> (Factor, u64) {
        (self.percent, self.max)
    }
}

impl Default for QuotaWithRollover {
    fn default() -> Self {
        Self::new()
    }
}

impl BuiltIn for QuotaWithRollover {
    type Metadata = QuotaWithRolloverMetadata;

    const NAME: &'static str = "quota_with_rollover";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        if let Some(problem) = self.problem {
            return Err(StrategyError::Factor("`percent`", problem));
        }
        if self.percent > Factor::millionths(100_000_000) {
            return Err(StrategyError::Range("`percent` is 0 to 100"));
        }
        let law = Rollover::new(rate, self.percent.in_millionths(), self.max);
        if law.max_cost() > EXACT {
            return Err(StrategyError::EffectiveLimit(rate));
        }
        Ok(Law::Rollover(law))
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> QuotaWithRolloverMetadata {
        let Law::Rollover(law) = law else {
            return QuotaWithRolloverMetadata::default();
        };
        let (previous, usage) = law.usage(state.packed(), hit.now);
        let (base_limit, rollover_amount) = (hit.rate.limit(), law.carry(previous));
        let effective_limit = base_limit + rollover_amount;
        QuotaWithRolloverMetadata {
            base_limit,
            rollover_amount,
            effective_limit,
            usage,
        }
    }
}
