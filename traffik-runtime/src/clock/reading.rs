//! The time of a decision, and the clock that it was read from.

use crate::clock::Clock;
use crate::clock::system::SystemClock;
use crate::strategy::kernel::tick::EXACT;

/// A reading of a clock that can be repeated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'c> {
    /// The time of the clock, in microseconds since 1970; at most 2^53, up to which the laws'
    /// numbers are exact.
    pub(crate) now: u64,
    /// The clock; `None` for the system's.
    clock: Option<&'c dyn Clock>,
}

impl<'c> Reading<'c> {
    /// Reads a clock.
    #[inline]
    pub(crate) fn of(clock: &'c dyn Clock) -> Self {
        Self {
            now: clock.now_micros().min(EXACT),
            clock: Some(clock),
        }
    }

    /// Returns the time that a clock shows now.
    pub(crate) fn now_of(clock: &dyn Clock) -> u64 {
        Reading::of(clock).now
    }

    /// Reads the system's clock.
    #[inline(always)]
    pub(crate) fn of_system() -> Self {
        Self {
            now: SystemClock::new().now_micros(),
            clock: None,
        }
    }

    /// Reads the clock once more, and returns its time if it is later.
    pub(crate) fn again(self) -> Self {
        let latest = self.clock.unwrap_or(&SystemClock).now_micros();
        Self {
            now: self.now.max(latest.min(EXACT)),
            ..self
        }
    }
}

impl From<u64> for Reading<'_> {
    fn from(now: u64) -> Self {
        Self {
            now,
            clock: Some(&Stopped),
        }
    }
}

/// The clock of a time that was passed in: it never shows a later one.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now_micros(&self) -> u64 {
        0
    }
}
