//! `TokenBucket`: tokens that refill at the rate, up to a burst.

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::meter::Meter;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// Tokens refill at the rate, up to a burst. A hit takes as many as it costs, if need be into debt.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: burst + debt + L − 1 in a stretch as long as the period.
///
/// ```
/// use traffik::strategy::{Hit, Strategy, TokenBucket};
///
/// let law = TokenBucket::new().burst(50);
/// let hit = |now, cost| Hit { rate: "2/s".parse().unwrap(), now, cost, who: Default::default() };
/// let state = law.decide(None, &hit(0, 50));
/// assert_eq!(law.decide(state.clone(), &hit(499_999, 1)), None);
/// assert!(law.decide(state, &hit(500_000, 1)).is_some());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenBucket {
    burst: Option<u64>,
    debt: u64,
}

/// The state of a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TokenBucketMetadata {
    /// The tokens in the bucket; below zero in debt.
    pub tokens: f64,
    /// The capacity of the bucket in tokens.
    pub capacity: u64,
    /// The tokens that refill in a millisecond.
    pub refill_rate_per_ms: f64,
    /// The debt of the bucket in tokens.
    pub current_debt: f64,
    /// The largest debt in tokens.
    pub max_debt: u64,
}

impl TokenBucket {
    /// The strategy with its defaults, which throttles without parameters share.
    #[doc(hidden)]
    pub const DEFAULT: &Self = &Self::new();

    /// Makes a bucket whose burst is the rate's limit, without debt.
    pub const fn new() -> Self {
        Self {
            burst: None,
            debt: 0,
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

    /// Sets the tokens that a hit may take beyond an empty bucket; default 0.
    #[must_use]
    pub const fn debt(self, debt: u64) -> Self {
        Self { debt, ..self }
    }

    /// Returns the burst that was set.
    pub const fn burst_setting(&self) -> Option<u64> {
        self.burst
    }

    /// Returns the debt that was set.
    pub const fn debt_setting(&self) -> u64 {
        self.debt
    }

    const fn burst_of(&self, rate: Rate) -> u64 {
        match self.burst {
            Some(burst) => burst,
            None => rate.limit(),
        }
    }

    const fn meter(&self, rate: Rate) -> Result<Meter, StrategyError> {
        if matches!(self.burst, Some(0)) {
            return Err(StrategyError::Empty("burst"));
        }
        Meter::with_capacity(rate, self.burst_of(rate) as u128 + self.debt as u128)
    }

    /// Returns the law of a rate as a constant of a macro, which has checked the rate.
    #[doc(hidden)]
    pub const fn constant_law(&self, rate: Rate) -> Law {
        Law::of_meter(self.meter(rate))
    }
}

impl BuiltIn for TokenBucket {
    type Metadata = TokenBucketMetadata;

    const NAME: &'static str = "token_bucket";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        self.meter(rate).map(Law::Meter)
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> TokenBucketMetadata {
        let level = law.level(state, hit.now);
        let burst = self.burst_of(hit.rate);
        let tokens = burst as f64 - level;
        TokenBucketMetadata {
            tokens,
            capacity: burst,
            refill_rate_per_ms: hit.rate.rps() / 1_000.0,
            current_debt: (level - burst as f64).max(0.0),
            max_debt: self.debt,
        }
    }
}
