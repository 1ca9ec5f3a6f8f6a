//! Windows by the time of day: a count whose limit depends on the time at which its window began.

use std::sync::Arc;
use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::factor::Factor;
use crate::strategy::kernel::contract::Kernel;
use crate::strategy::kernel::packed::Packed;
use crate::strategy::kernel::tick::gcd;
use crate::strategy::kernel::window::Window;

/// A count in windows aligned to the epoch, whose limit depends on the time of day at the window's
/// first tick (L19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    rate: Rate,
    /// The microsecond of a UTC day from which each factor applies, until the next one; the first
    /// is 0.
    stretches: Arc<[(u64, Factor)]>,
}

/// A part of the day, in local minutes, and its factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The first minute.
    pub start: u16,
    /// The first minute after it; before the start if it wraps midnight.
    pub end: u16,
    /// The factor of the limit.
    pub factor: Factor,
}

/// A window as of a time.
pub(crate) struct Standing {
    start: u64,
    count: u64,
    limit: u64,
    /// The microsecond from which the count is gone, if it is that of a window of another period
    /// (L30).
    gone: Option<u64>,
}

const MINUTE: u64 = 60 * 1_000_000;
const MINUTES: u16 = 24 * 60;
const DAY: u64 = 24 * 60 * MINUTE;

impl Rule {
    /// Reports whether it holds at a local minute of the day.
    pub const fn holds(&self, minute: u16) -> bool {
        if self.start < self.end {
            self.start <= minute && minute < self.end
        } else {
            self.start <= minute || minute < self.end
        }
    }
}

impl Hours {
    /// Makes the law of a rate under rules, of which the first that holds applies, in a local time
    /// this many minutes ahead of UTC.
    pub fn new(rate: Rate, rules: &[Rule], offset: i32) -> Self {
        let factor = |minute: u16| {
            let local = (i32::from(minute) + offset).rem_euclid(MINUTES.into());
            let local = local.unsigned_abs() as u16;
            let rule = rules.iter().find(|rule| rule.holds(local));
            rule.map_or(Factor::ONE, |rule| rule.factor)
        };
        let mut stretches: Vec<(u64, Factor)> = (0..MINUTES)
            .map(|minute| (u64::from(minute) * MINUTE, factor(minute)))
            .collect();
        stretches.dedup_by_key(|(_, factor)| *factor);
        Self {
            rate,
            stretches: stretches.into(),
        }
    }

    /// Returns the factor of a window with this first microsecond.
    #[inline]
    pub fn factor(&self, start: u64) -> Factor {
        let after = self
            .stretches
            .partition_point(|(from, _)| *from <= start % DAY);
        self.stretches[after - 1].1
    }

    /// Returns the largest cost that is ever admitted: the largest limit of a window that ever
    /// starts.
    pub fn max_cost(&self) -> u64 {
        let step = gcd(self.rate.period_micros(), DAY);
        let met = self
            .each()
            .filter(|(from, until, _)| from.div_ceil(step) * step < *until);
        met.map(|(_, _, limit)| limit).max().unwrap_or(0)
    }

    /// Returns the first microsecond and the count of the window at `now`.
    #[inline]
    pub fn window_at(&self, state: &Packed, now: u64) -> (u64, u64) {
        self.law_at(now).window_at(state, now)
    }

    /// Returns the law of windows with the limit at `now`, which fills a state that is far ahead of
    /// the clock (L4).
    #[inline]
    fn law_at(&self, now: u64) -> Window {
        let start = now - now % self.rate.period_micros();
        Window::with_limit(self.rate, self.limit(self.factor(start)))
    }

    #[inline]
    const fn packed(&self, standing: &Standing, count: u64) -> Packed {
        Window::new(self.rate).packed(standing.start, count)
    }

    #[cold]
    fn full(&self, now: u64) -> Standing {
        let start = now - now % self.rate.period_micros();
        let limit = self.limit(self.factor(start));
        Standing {
            start,
            count: limit,
            limit,
            gone: None,
        }
    }

    /// Returns the arguments of its twin in Lua: the rate, and how many [`pairs`](Self::pairs)
    /// follow.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> Vec<u64> {
        let (limit, period) = (self.rate.limit(), self.rate.period_micros());
        vec![limit, period, self.stretches.len() as u64]
    }

    /// Returns a microsecond of the day and the limit from then on, for each stretch.
    #[cfg(feature = "redis")]
    pub(super) fn pairs(&self) -> Vec<(u64, u64)> {
        self.each().map(|(from, _, limit)| (from, limit)).collect()
    }

    fn limit(&self, factor: Factor) -> u64 {
        factor.of(self.rate.limit())
    }

    /// Lists the stretches of a UTC day: from, until, and the limit of windows that start in it.
    fn each(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let ends = self
            .stretches
            .iter()
            .skip(1)
            .map(|(from, _)| *from)
            .chain([DAY]);
        let stretches = self.stretches.iter().zip(ends);
        stretches.map(|((from, factor), until)| (*from, until, self.limit(*factor)))
    }

    /// Returns the first microsecond with room for a cost beside the count of a window of another
    /// period, which stays until that window ends (L30).
    #[cold]
    fn first_beside(&self, start: u64, count: u64, end: u64, cost: u64) -> Option<u64> {
        let beside = self.first_with(start, cost.saturating_add(count));
        beside.filter(|at| *at < end).or_else(|| {
            let window = end - end % self.rate.period_micros();
            if cost <= self.limit(self.factor(window)) {
                Some(end)
            } else {
                self.first_with(window, cost)
            }
        })
    }

    /// Returns the first microsecond of the first window with room for a cost after the window that
    /// starts at `start`.
    #[inline]
    fn first_with(&self, start: u64, cost: u64) -> Option<u64> {
        let next = start + self.rate.period_micros();
        if cost <= self.limit(self.factor(next)) {
            Some(next)
        } else {
            self.first_after(start, cost)
        }
    }

    /// Returns the first microsecond of such a window if it is not the next one.
    #[inline(never)]
    fn first_after(&self, start: u64, cost: u64) -> Option<u64> {
        let period = self.rate.period_micros();
        let next = (start + period) % DAY;
        let roomy = self.each().filter(|(_, _, limit)| cost <= *limit);
        let windows = roomy.filter_map(|(from, until, _)| {
            // Windows start at next, next + W, … modulo a day; which is the first in from .. until?
            let low = (from + DAY - next) % DAY;
            first_within(period % DAY, DAY, low, low + (until - from) - 1)
        });
        let windows = windows.min()?;
        start.checked_add(period.checked_mul(windows.checked_add(1)?)?)
    }
}

impl Kernel for Hours {
    type Standing = Standing;

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Standing {
        if Window::new(self.rate).is_ahead(state, now) {
            return self.full(now);
        }
        let (start, count) = Window::new(self.rate).window_at(state, now);
        let is_other = count > 0 && state.period != self.rate.period_micros();
        Standing {
            start,
            count,
            limit: self.limit(self.factor(start)),
            gone: is_other.then(|| Window::expires(state)),
        }
    }

    #[inline(always)]
    fn admit(&self, standing: &Standing, _: u64, cost: u64) -> Option<(Standing, Packed)> {
        let count = standing.count.checked_add(cost)?;
        if count > standing.limit {
            return None;
        }
        let after = Standing {
            count,
            gone: None,
            ..*standing
        };
        Some((after, self.packed(standing, count)))
    }

    #[inline(always)]
    fn report(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        let Standing {
            start,
            count,
            limit,
            gone,
        } = *standing;
        let until = |at: u64| Duration::from_micros(at - now);
        let later = |cost: u64| match gone {
            Some(gone) => self.first_beside(start, count, gone, cost),
            None => self.first_with(start, cost),
        };
        let remaining = limit.saturating_sub(count);
        let next = later(remaining + 1).map(until);
        Report {
            limit,
            remaining,
            wait: if cost <= remaining {
                Some(Duration::ZERO)
            } else if cost == remaining + 1 {
                next
            } else {
                later(cost).map(until)
            },
            next,
            reset: if count > 0 {
                until(gone.unwrap_or(start + self.rate.period_micros()))
            } else {
                Duration::ZERO
            },
            delay: Duration::ZERO,
        }
    }

    #[cfg(feature = "engine")]
    fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let (start, _) = self.window_at(state, now);
        let limit = self.limit(self.factor(start));
        Window::with_limit(self.rate, limit).charge(state, now, cost)
    }

    #[cfg(feature = "engine")]
    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        let is_ahead = Window::new(self.rate).is_ahead(state, now);
        is_ahead.then(|| {
            let standing = self.full(now);
            self.packed(&standing, standing.count)
        })
    }
}

/// Returns the least k for which k · step modulo `modulus` is in low ..= high, by steps of the
/// Euclidean algorithm. `high` may exceed the modulus, and the range then continues from 0.
fn first_within(step: u64, modulus: u64, low: u64, high: u64) -> Option<u64> {
    if low == 0 || high >= modulus {
        return Some(0);
    }
    if step == 0 {
        return None;
    }
    if 2 * step > modulus {
        return first_within(modulus - step, modulus, modulus - high, modulus - low);
    }
    let direct = low.div_ceil(step);
    if direct * step <= high {
        return Some(direct);
    }
    let around = first_within(step - modulus % step, step, low % step, high % step)?;
    Some((low + modulus * around).div_ceil(step))
}
