//! Where the time comes from: one trait, the system's clock, and one that a test sets by hand.
//!
//! Laws never read a clock; they are told the time, in whole microseconds since 1970 (UTC).

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
/// A clock may step back: laws stand still until it has caught up, for one period at most, and never admit more for it. A
/// state more than a period ahead is replaced by a full one at the next hit.
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
    /// The time since 1970-01-01 00:00 UTC, in microseconds; a finer clock rounds down.
    fn now_micros(&self) -> u64;
}
