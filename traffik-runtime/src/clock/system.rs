//! The process's clock: a fast monotonic clock, anchored to the system's.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::clock::Clock;
use crate::warnings;

/// The interval between comparisons with the system's clock, in microseconds.
const CHECK_EVERY: u64 = 60_000_000;

/// The largest step back, in microseconds: enough for any drift, and too little for a client to
/// notice.
const MAX_STEP_BACK: u64 = 10_000;

/// A difference that is not a drift, in microseconds: the system's clock was wrong and was
/// corrected.
const STEP: u64 = 1_000_000;

/// The number of ticks over which the length of a tick is measured.
const MEASURED_TICKS: u64 = 1 << 46;

static ANCHORED: LazyLock<Anchored> = LazyLock::new(|| Anchored::to(system_micros));

/// The process's clock: a fast monotonic clock, anchored to the epoch.
///
/// It reads the processor's time stamp counter where that is safe, at half the cost of the standard
/// library's `Instant`; otherwise reading the clock would be most of a decision. Once a minute it
/// is compared with the system's clock. It follows that forwards at once, and backwards by at most
/// 10 ms, so that the correction of a drift does not delay clients. A system clock that is set back
/// by a second or more was wrong before, so that step is followed at once too, with a warning in
/// the log.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// Returns the process's clock.
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    #[inline(always)]
    fn now_micros(&self) -> u64 {
        ANCHORED.now_micros()
    }
}

struct Anchored {
    ticks: quanta::Clock,
    /// Reads the system's clock, in microseconds since 1970.
    system: fn() -> u64,
    start: u64,
    /// The microseconds in a tick, in 2^-64, so that one multiplication replaces two and a
    /// division.
    scale: u64,
    /// The start, in microseconds since 1970.
    epoch: AtomicU64,
    /// The time since the start of the next comparison.
    due: AtomicU64,
}

impl Anchored {
    fn to(system: fn() -> u64) -> Self {
        let ticks = quanta::Clock::new();
        // The ticks take hours, and none is longer than a microsecond, so rounding loses less than
        // a microsecond in a day.
        let nanos = u128::from(ticks.delta_as_nanos(0, MEASURED_TICKS));
        let scale = (nanos << 64) / (u128::from(MEASURED_TICKS) * 1_000);
        let scale = u64::try_from(scale).unwrap_or(u64::MAX);
        Self {
            start: ticks.raw(),
            scale,
            ticks,
            system,
            epoch: AtomicU64::new(system()),
            due: AtomicU64::new(CHECK_EVERY),
        }
    }

    #[inline(always)]
    fn now_micros(&self) -> u64 {
        let elapsed = self.since(self.ticks.raw());
        let due = self.due.load(Ordering::Relaxed);
        if elapsed >= due {
            self.compare(elapsed, due);
        }
        self.epoch.load(Ordering::Relaxed) + elapsed
    }

    /// Returns the microseconds from the start to a tick.
    #[inline]
    fn since(&self, tick: u64) -> u64 {
        let ticks = tick.saturating_sub(self.start);
        ((u128::from(ticks) * u128::from(self.scale)) >> 64) as u64
    }

    #[cold]
    fn compare(&self, elapsed: u64, due: u64) {
        let next = elapsed + CHECK_EVERY;
        if self
            .due
            .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
            .is_err()
        {
            return;
        }
        let epoch = self.epoch.load(Ordering::Relaxed);
        let wanted = (self.system)().saturating_sub(elapsed);
        let back = epoch.saturating_sub(wanted);
        let next = if back < STEP {
            wanted.max(epoch.saturating_sub(MAX_STEP_BACK))
        } else {
            warnings::clock_set_back(Duration::from_micros(back));
            wanted
        };
        self.epoch.store(next, Ordering::Relaxed);
    }
}

fn system_micros() -> u64 {
    SystemTime::UNIX_EPOCH
        .elapsed()
        .ok()
        .and_then(|since| u64::try_from(since.as_micros()).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{Anchored, CHECK_EVERY, MAX_STEP_BACK, STEP, system_micros};

    /// Compares with the system clock of the test once a minute, and returns the changes of the
    /// clock.
    fn changes(system: &AtomicU64, clock: &Anchored, moves: &[(bool, u64)]) -> Vec<i64> {
        let change = |(minute, (forwards, by)): (usize, &(bool, u64))| {
            let elapsed = (minute as u64 + 1) * CHECK_EVERY;
            let now = system.load(Ordering::Relaxed) + CHECK_EVERY;
            let now = if *forwards { now + by } else { now - by };
            system.store(now, Ordering::Relaxed);
            let before = clock.epoch.load(Ordering::Relaxed);
            clock.compare(elapsed, elapsed);
            let after = clock.epoch.load(Ordering::Relaxed);
            after.wrapping_sub(before).cast_signed()
        };
        moves.iter().enumerate().map(change).collect()
    }

    #[test]
    fn follows_a_drift_back_slowly_and_a_step_at_once() {
        static SYSTEM: AtomicU64 = AtomicU64::new(1_000_000_000_000_000);
        let clock = Anchored::to(|| SYSTEM.load(Ordering::Relaxed));
        let (hour, back) = (3_600_000_000, MAX_STEP_BACK.cast_signed());
        let moves = [
            (true, 0),
            (true, 700),
            (false, 700),
            // Just too little for a step, and corrected as a drift.
            (false, STEP - 1),
            (true, STEP - 1 - 10_000),
            // Far ahead, and back again.
            (true, hour),
            (false, hour),
            (false, STEP),
        ];
        let expected = [
            0,
            700,
            -700,
            -back,
            0,
            3_600_000_000,
            -3_600_000_000,
            -1_000_000,
        ];
        assert_eq!(changes(&SYSTEM, &clock, &moves), expected);
    }

    #[test]
    fn microseconds_are_those_of_the_ticks_after_days_too() {
        let clock = Anchored::to(system_micros);
        for power in 0..16 {
            let tick = clock.start + 3 * 10_u64.pow(power);
            let expected = clock.ticks.delta_as_nanos(clock.start, tick) / 1_000;
            let micros = clock.since(tick);
            assert!(micros.abs_diff(expected) <= 1, "{micros} for {expected}");
        }
        assert_eq!(clock.since(clock.start.saturating_sub(9)), 0);
    }
}
