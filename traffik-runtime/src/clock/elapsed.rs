//! The time since a decision.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::clock::system::SystemClock;

/// A time on a backend's clock, from which elapsed time is measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Since {
    at: u64,
    clock: Option<Arc<dyn Clock>>,
}

impl Since {
    pub(crate) const fn new(at: u64, clock: Option<Arc<dyn Clock>>) -> Self {
        Self { at, clock }
    }

    /// Returns the time, if it is of the system's clock.
    pub(crate) const fn system_time(&self) -> Option<u64> {
        match self.clock {
            None => Some(self.at),
            Some(_) => None,
        }
    }

    /// Returns the current time in microseconds, and the time that has passed since the other one.
    pub(crate) fn now(&self) -> (u64, Duration) {
        let now = self.clock.as_ref().map_or_else(
            || SystemClock::new().now_micros(),
            |clock| clock.now_micros(),
        );
        (now, Duration::from_micros(now.saturating_sub(self.at)))
    }
}
