use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::clock::Clock;
use crate::warnings;

/// How often the anchor is compared with the system's clock, in microseconds.
const CHECK_EVERY: u64 = 60_000_000;

/// How far it may be set back at a time: enough for any drift, too little for a client to notice.
const MOST_BACK: u64 = 10_000;

/// A difference that no drift makes, in microseconds: the system's clock was wrong, and was set right.
const STEP: u64 = 1_000_000;

/// How many ticks the clock is asked how long they take.
const MANY: u64 = 1 << 46;

static ANCHORED: LazyLock<Anchored> = LazyLock::new(|| Anchored::to(system_micros));

/// The process's clock: a fast monotonic one, anchored to the epoch.
///
/// It reads the processor's time stamp counter where that is safe (half the price of the standard library's `Instant`, and a
/// decision is otherwise mostly clock). Once a minute it is compared with the system's clock: it follows that forwards
/// at once, and backwards by no more than 10 ms, so that a drift that is corrected does not hold clients up. A system clock
/// that is set back by a second or more was wrong before: that is followed at once too, with a warning in the log.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The process's clock.
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
    /// The system's clock, in microseconds since 1970.
    system: fn() -> u64,
    start: u64,
    /// How many microseconds a tick is, in 2^-64: a multiplication then takes the place of two and a division.
    scale: u64,
    /// What has to be added to the time since the start, in microseconds since 1970.
    epoch: AtomicU64,
    /// The time since the start from which the anchor is compared again.
    due: AtomicU64,
}

impl Anchored {
    fn to(system: fn() -> u64) -> Self {
        let ticks = quanta::Clock::new();
        // Hours of ticks, none of which is longer than a microsecond: what is rounded away is less than one in a day.
        let nanos = u128::from(ticks.delta_as_nanos(0, MANY));
        let scale = (nanos << 64) / (u128::from(MANY) * 1_000);
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

    /// The microseconds from the start to a tick.
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
            wanted.max(epoch.saturating_sub(MOST_BACK))
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

    use super::{Anchored, CHECK_EVERY, MOST_BACK, STEP, system_micros};

    /// Compares with the system's clock of the test, now and each minute; returns by how much the clock changed each time.
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
        let (hour, back) = (3_600_000_000, MOST_BACK.cast_signed());
        let moves = [
            (true, 0),
            (true, 700),
            (false, 700),
            // Just too little to be a step, and comes back as a drift.
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
            let told = clock.since(tick);
            assert!(told.abs_diff(expected) <= 1, "{told} for {expected}");
        }
        assert_eq!(clock.since(clock.start.saturating_sub(9)), 0);
    }
}
