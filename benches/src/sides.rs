//! Limiters in memory: ours, and the peer's with its defaults.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use traffik::strategy::Strategy;
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Rate};

/// The peer: `governor`, keyed by `String`.
pub type Governor = DefaultKeyedRateLimiter<String>;

/// Builds a throttle over a table of its own.
pub fn throttle(strategy: impl Strategy, rate: Rate) -> DynThrottle {
    throttle_of(strategy, &[rate], Backend::memory())
}

/// Builds a throttle with several rates.
///
/// # Panics
///
/// Panics if the rates are not valid together.
pub fn throttle_of(
    strategy: impl Strategy,
    rates: &[Rate],
    backend: impl Into<Backend>,
) -> DynThrottle {
    let builder = DynThrottle::builder("bench").strategy(strategy);
    let builder = rates
        .iter()
        .copied()
        .fold(builder, DynThrottleBuilder::rate);
    let throttle = builder.backend(backend).build();
    throttle.expect("the settings are valid")
}

/// Builds a peer that admits everything.
pub fn admitting_governor() -> Governor {
    RateLimiter::keyed(Quota::per_second(number(1_000_000_000)))
}

/// Builds a peer that admits one hit.
pub fn refusing_governor() -> Governor {
    RateLimiter::keyed(Quota::per_hour(number(1)))
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}
