//! Ticks: the resolution that keeps a law's numbers exact (L3), and times in ticks.

use std::time::Duration;

/// The largest integer below which doubles, and so Lua, count exactly.
pub const EXACT: u64 = 1 << 53;

/// The number that stands for none in the arguments of Lua: above all exact ones.
#[cfg(feature = "redis")]
pub(super) const NOTHING: u64 = 1 << 60;

/// The finest tick in microseconds.
pub(super) const FINEST: u64 = 1;

/// The coarsest tick in microseconds. Ticks are powers of ten from 1 µs to 1 s.
const COARSEST: u64 = 1_000_000;

/// Returns the smallest tick, in microseconds, that divides every duration and keeps the law's
/// largest number exact. `largest` returns that number for a tick.
pub(super) fn tick(durations: &[u64], largest: impl Fn(u64) -> u128) -> Option<u64> {
    let mut candidate = Some(FINEST);
    while let Some(tick) = candidate {
        if is_exact(largest(tick)) {
            return candidate;
        }
        candidate = coarser(tick, durations);
    }
    None
}

/// Returns the next coarser tick, if there is one that divides every duration.
pub(super) const fn coarser(tick: u64, durations: &[u64]) -> Option<u64> {
    let tick = tick * 10;
    if tick > COARSEST {
        return None;
    }
    let mut index = 0;
    while index < durations.len() {
        if !durations[index].is_multiple_of(tick) {
            return None;
        }
        index += 1;
    }
    Some(tick)
}

/// Reports whether a number is exact in doubles, as all smaller ones are.
pub(super) const fn is_exact(number: u128) -> bool {
    number <= EXACT as u128
}

/// Returns the time from a microsecond to a later tick. It is exact also beyond 2^64 microseconds.
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

/// Returns the greatest common divisor; that of 0 and `b` is `b`.
pub(super) const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
}
