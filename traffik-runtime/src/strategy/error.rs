use crate::rate::Rate;
use crate::strategy::factor::FactorError;

/// A strategy's parameters that make no law, alone or with a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// The numbers are too large to be counted exactly at any tick.
    #[error("`{0}` has no exact tick; use a smaller limit or a shorter period")]
    NoExactTick(Rate),
    /// An effective limit, multiplied or carried over, that is too large to be counted exactly.
    #[error(
        "`{0}` comes to a limit over 9007199254740992 with what it is multiplied by or carries over; use a smaller limit"
    )]
    EffectiveLimit(Rate),
    /// A bucket or queue that holds nothing.
    #[error("a `{0}` of 0 admits nothing; use at least 1")]
    Empty(&'static str),
    /// A multiplier, share or percentage that is none.
    #[error("{0} is {1}")]
    Factor(&'static str, #[source] FactorError),
    /// A parameter outside of what it can be.
    #[error("{0}")]
    Range(&'static str),
    /// Tiers, of which none is the default.
    #[error("`tiered` needs the name of one of its tiers as the default: write `default = free`")]
    NoDefaultTier,
    /// A tier whose clients get nothing.
    #[error("a tier's limit rounds below 1; use a larger multiplier or limit")]
    EmptyTier,
    /// A duration that laws cannot count in whole microseconds.
    #[error("`burst_tolerance` must be whole microseconds, at most ten years; round it")]
    Tolerance,
}

impl StrategyError {
    /// The parameter it is about, if it is about one.
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
