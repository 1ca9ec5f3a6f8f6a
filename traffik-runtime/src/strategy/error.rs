use crate::rate::Rate;

/// A strategy's parameters that make no law, alone or with a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// The numbers are too large to be counted exactly at any tick.
    #[error("`{0}` has no exact tick; use a smaller limit or a shorter period")]
    NoExactTick(Rate),
    /// A bucket that holds nothing.
    #[error("a `burst` of 0 admits nothing; use at least 1")]
    EmptyBurst,
    /// A duration that laws cannot count in whole microseconds.
    #[error("`burst_tolerance` must be whole microseconds, at most ten years; round it")]
    Tolerance,
}
