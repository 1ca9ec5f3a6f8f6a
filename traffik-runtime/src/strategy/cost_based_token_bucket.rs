//! `CostBasedTokenBucket`: a token bucket whose refill depends on the cost of hits.

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::factor::{Factor, FactorError};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::mean_cost::Mean;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// A token bucket that refills more slowly after expensive hits.
///
/// The refill is the rate times `max(min_refill, 1 / mean)`, with the mean cost of the last
/// `window` admitted hits since the bucket was last full.
///
/// * Memory: 8 bytes for each remembered cost, up to `window` costs.
/// * Worst case: burst + L − 1 in a stretch as long as the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostBasedTokenBucket {
    burst: Option<u64>,
    window: u32,
    min_refill: Factor,
    problem: Option<FactorError>,
}

/// The state of a cost based bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CostBasedTokenBucketMetadata {
    /// The tokens in the bucket.
    pub tokens: f64,
    /// The capacity of the bucket in tokens.
    pub capacity: u64,
    /// The mean cost of the remembered hits.
    pub average_cost: f64,
    /// The tokens that refill in a millisecond.
    pub effective_refill_rate_per_ms: f64,
}

impl CostBasedTokenBucket {
    /// Makes a bucket whose burst is the rate's limit, with the mean of a hundred hits, and at
    /// least half the refill.
    pub const fn new() -> Self {
        Self {
            burst: None,
            window: 100,
            min_refill: Factor::millionths(500_000),
            problem: None,
        }
    }

    /// Sets the capacity in tokens, at least 1; default: the rate's limit.
    #[must_use]
    pub const fn burst(self, burst: u64) -> Self {
        Self {
            burst: Some(burst),
            ..self
        }
    }

    /// Sets the number of hits of the mean, at least 1; default 100.
    #[must_use]
    pub const fn window(self, hits: u32) -> Self {
        Self {
            window: hits,
            ..self
        }
    }

    /// Sets the least part of the rate that refills, above 0 and up to 1, with at most three
    /// decimal places; default 0.5.
    #[must_use]
    pub fn min_refill<E: Into<FactorError>>(self, share: impl TryInto<Factor, Error = E>) -> Self {
        match share.try_into() {
            Ok(share) => self.min_refill_factor(share),
            Err(problem) => Self {
                problem: Some(problem.into()),
                ..self
            },
        }
    }

    /// Sets the least part of the rate that refills, as a factor.
    #[must_use]
    pub const fn min_refill_factor(self, min_refill: Factor) -> Self {
        Self { min_refill, ..self }
    }

    /// Returns the burst, window and least refill that were set.
    pub const fn settings(&self) -> (Option<u64>, u32, Factor) {
        (self.burst, self.window, self.min_refill)
    }

    fn burst_of(&self, rate: Rate) -> u64 {
        self.burst.unwrap_or(rate.limit())
    }
}

impl Default for CostBasedTokenBucket {
    fn default() -> Self {
        Self::new()
    }
}

impl BuiltIn for CostBasedTokenBucket {
    type Metadata = CostBasedTokenBucketMetadata;

    const NAME: &'static str = "cost_based_token_bucket";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        if let Some(problem) = self.problem {
            return Err(StrategyError::Factor("`min_refill`", problem));
        }
        let thousandths = self.min_refill.in_millionths() / 1_000;
        if !self.min_refill.in_millionths().is_multiple_of(1_000)
            || !(1..=1_000).contains(&thousandths)
        {
            return Err(StrategyError::Range(
                "`min_refill` is above 0 and up to 1, with at most three places",
            ));
        }
        match (self.burst_of(rate), self.window) {
            (0, _) => Err(StrategyError::Empty("burst")),
            (_, 0) => Err(StrategyError::Empty("window")),
            (burst, window) => Mean::new(rate, burst, window, thousandths).map(Law::Mean),
        }
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> CostBasedTokenBucketMetadata {
        let (level, average_cost, factor) = match law {
            Law::Mean(law) => law.summary(state.costs(), hit.now),
            _ => (0.0, 1.0, 1.0),
        };
        let capacity = self.burst_of(hit.rate);
        CostBasedTokenBucketMetadata {
            tokens: capacity as f64 - level,
            capacity,
            average_cost,
            effective_refill_rate_per_ms: factor * hit.rate.rps() / 1_000.0,
        }
    }
}
