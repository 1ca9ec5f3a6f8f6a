//! A clock for tests, which moves only by command.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;

/// A clock for tests that moves only by command. Its clones show one time.
///
/// It starts one billion seconds after 1970, at 2001-09-09 01:46:40 UTC. Windows of every period
/// that divides this time start there: of a second or a millisecond, of 10 s, 20 ms or 500 µs.
/// Others have begun before: those of a minute 40 s ago, those of 7 s 6 s ago, those of an hour at
/// 01:00.
///
/// ```
/// use std::time::Duration;
/// use traffik::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let before = clock.now_micros();
/// clock.advance(Duration::from_millis(5));
/// assert_eq!(clock.now_micros() - before, 5_000);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    /// The time in nanoseconds, so that a test can stop between two microseconds.
    nanos: Arc<AtomicU64>,
}

impl ManualClock {
    /// Makes a clock that shows one billion seconds after 1970.
    pub fn new() -> Self {
        Self::at(Duration::from_secs(1_000_000_000))
    }

    /// Makes a clock that shows this time since 1970-01-01 00:00 UTC.
    pub fn at(since_epoch: Duration) -> Self {
        Self {
            nanos: Arc::new(AtomicU64::new(nanos(since_epoch))),
        }
    }

    /// Moves the clock to this time since 1970-01-01 00:00 UTC, forwards or back.
    pub fn set(&self, since_epoch: Duration) {
        self.nanos.store(nanos(since_epoch), Ordering::SeqCst);
    }

    /// Moves the clock forwards.
    pub fn advance(&self, by: Duration) {
        self.change(|now| now.saturating_add(nanos(by)));
    }

    /// Moves the clock back, to 1970 at the earliest.
    pub fn rewind(&self, by: Duration) {
        self.change(|now| now.saturating_sub(nanos(by)));
    }

    /// Returns the time since 1970-01-01 00:00 UTC.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::SeqCst))
    }

    fn change(&self, step: impl Fn(u64) -> u64) {
        let _ = self
            .nanos
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| Some(step(now)));
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now_micros(&self) -> u64 {
        self.nanos.load(Ordering::SeqCst) / 1_000
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
