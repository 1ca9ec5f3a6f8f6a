//! Sources of time: the [`Clock`] trait, the system's clock, and a clock for tests.
//!
//! Laws never read a clock: the time is an argument, in whole microseconds since 1970 (UTC).

#[cfg(feature = "engine")]
pub(crate) mod elapsed;
pub(crate) mod manual;
#[cfg(feature = "engine")]
pub(crate) mod reading;
#[cfg(feature = "engine")]
pub(crate) mod system;

pub use manual::ManualClock;
#[cfg(feature = "engine")]
pub use system::SystemClock;

use std::fmt;

/// A source of time for the laws.
///
/// A clock may step back. Laws then stand still until it has caught up, for at most one period, and
/// never admit more because of it. A state that is more than a period ahead is replaced by a full
/// one at the next hit.
///
/// ```
/// use traffik::Clock;
///
/// #[derive(Debug)]
/// struct Noon;
///
/// impl Clock for Noon {
///     fn now_micros(&self) -> u64 {
///         12 * 60 * 60 * 1_000_000
///     }
/// }
/// assert_eq!(Noon.now_micros(), 43_200_000_000);
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the time since 1970-01-01 00:00 UTC, in microseconds, rounded down.
    fn now_micros(&self) -> u64;
}
