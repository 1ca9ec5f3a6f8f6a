//! Which tick keeps a law's numbers exact (L3), and what it is in the time of clocks.

use std::time::Duration;

/// The largest integer below which doubles, and so Lua, count exactly.
pub const EXACT: u64 = 1 << 53;

/// Stands for no number where Lua is told numbers: above all that are exact.
#[cfg(feature = "redis")]
pub(super) const NOTHING: u64 = 1 << 60;

/// Ticks are 1 µs to 1 s, in powers of ten.
const COARSEST: u64 = 1_000_000;

/// The smallest tick, in microseconds, that divides every duration and keeps the law's largest number exact.
///
/// `largest` gives that number for a tick.
pub(super) fn tick(durations: &[u64], largest: impl Fn(u64) -> u128) -> Option<u64> {
    let mut tick = 1;
    while tick <= COARSEST {
        if durations.iter().any(|duration| duration % tick != 0) {
            return None;
        }
        if largest(tick) <= u128::from(EXACT) {
            return Some(tick);
        }
        tick *= 10;
    }
    None
}

/// The time from a microsecond to a later tick; exact also beyond the last microsecond that 64 bits can count to.
#[inline]
pub(super) fn until(ticks: u64, tick: u64, now: u64) -> Duration {
    match ticks.checked_mul(tick) {
        Some(micros) => Duration::from_micros(micros - now),
        None => until_beyond(ticks, tick, now),
    }
}

#[cold]
fn until_beyond(ticks: u64, tick: u64, now: u64) -> Duration {
    let a_second = COARSEST / tick;
    let then = Duration::from_secs(ticks / a_second);
    let rest = Duration::from_micros(ticks % a_second * tick);
    (then + rest).saturating_sub(Duration::from_micros(now))
}

/// The greatest common divisor; of 0 and `b` it is `b`.
pub(super) const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
}
