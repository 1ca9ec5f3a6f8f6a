//! Errors in the parameters of strategies.

use crate::rate::Rate;
use crate::strategy::factor::FactorError;

/// Parameters of a strategy that make no law, alone or with a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// The numbers are too large to count exactly with any tick.
    #[error("`{0}` has no exact tick; use a smaller limit or a shorter period")]
    NoExactTick(Rate),
    /// The effective limit, multiplied or with what was carried over, is too large to count
    /// exactly.
    #[error(
        "the effective limit of `{0}`, with its multiplier or rollover, is over 9007199254740992; use a smaller limit"
    )]
    EffectiveLimit(Rate),
    /// A bucket or queue of size 0.
    #[error("a `{0}` of 0 admits nothing; use at least 1")]
    Empty(&'static str),
    /// A malformed multiplier, share or percentage.
    #[error("{0} is {1}")]
    Factor(&'static str, #[source] FactorError),
    /// A parameter out of its range.
    #[error("{0}")]
    Range(&'static str),
    /// Tiers without a default one.
    #[error("`tiered` needs the name of one of its tiers as the default: write `default = free`")]
    NoDefaultTier,
    /// A tier with a limit of 0.
    #[error("a tier's limit rounds below 1; use a larger multiplier or limit")]
    EmptyTier,
    /// A duration that is not a whole number of microseconds, or too long.
    #[error("`burst_tolerance` must be whole microseconds, at most ten years; round it")]
    Tolerance,
}

impl StrategyError {
    /// Returns the parameter that it is about, if it is about one.
    pub(super) fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::Empty(name) => Some(name),
            Self::Range(message) | Self::Factor(message, _) => {
                // Such a message starts with the parameter's name.
                message.strip_prefix('`')?.split('`').next()
            }
            Self::NoDefaultTier => Some("default"),
            Self::Tolerance => Some("burst_tolerance"),
            Self::NoExactTick(_) | Self::EffectiveLimit(_) | Self::EmptyTier => None,
        }
    }
}
