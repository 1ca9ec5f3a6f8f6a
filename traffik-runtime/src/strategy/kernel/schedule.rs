use std::sync::Arc;
use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::factor::Factor;
#[cfg(feature = "engine")]
use crate::strategy::kernel::Kernel;
use crate::strategy::kernel::packed::Packed;
use crate::strategy::kernel::tick::gcd;
use crate::strategy::kernel::window::Window;

/// A count in windows aligned to the epoch, whose limit depends on the time of day at the window's first tick (L19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    rate: Rate,
    /// Which factor holds from which microsecond of a UTC day; the first is at 0, and each until the next.
    stretches: Arc<[(u64, Factor)]>,
}

/// A part of the day, in local minutes, and its factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The first minute.
    pub start: u16,
    /// The first minute after it; before the start if it wraps midnight.
    pub end: u16,
    /// What the limit is multiplied by.
    pub factor: Factor,
}

/// A window as of a time.
pub(crate) struct Standing {
    start: u64,
    count: u64,
    limit: u64,
    /// When what it counts is gone, if that was counted in a window of another period (L30).
    gone: Option<u64>,
}

const MINUTE: u64 = 60 * 1_000_000;
const MINUTES: u16 = 24 * 60;
const DAY: u64 = 24 * 60 * MINUTE;

impl Rule {
    /// Whether a local minute of the day is in it.
    pub const fn holds(&self, minute: u16) -> bool {
        if self.start < self.end {
            self.start <= minute && minute < self.end
        } else {
            self.start <= minute || minute < self.end
        }
    }
}

impl Hours {
    /// The law of a rate under rules, of which the first that holds counts, in a local time this many minutes ahead of UTC.
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

    /// The factor of a window with this first microsecond.
    #[inline]
    pub fn factor(&self, start: u64) -> Factor {
        let after = self
            .stretches
            .partition_point(|(from, _)| *from <= start % DAY);
        self.stretches[after - 1].1
    }

    /// The largest limit of a window that ever starts.
    pub fn max_cost(&self) -> u64 {
        let step = gcd(self.rate.period_micros(), DAY);
        let met = self
            .each()
            .filter(|(from, until, _)| from.div_ceil(step) * step < *until);
        met.map(|(_, _, limit)| limit).max().unwrap_or(0)
    }

    /// The window's first microsecond, and its count, at a time.
    #[inline]
    pub fn standing(&self, state: &Packed, now: u64) -> (u64, u64) {
        self.window(now).standing(state, now)
    }

    /// The law of windows with the limit of the one of now: that fills a state that is far ahead of the clock (L4).
    #[inline]
    fn window(&self, now: u64) -> Window {
        let start = now - now % self.rate.period_micros();
        Window::with_limit(self.rate, self.limit(self.factor(start)))
    }

    pub(crate) fn decide(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        let standing = self.standing_of(state, now);
        let taken = Self::taken(&standing, cost)?;
        Some(self.with(&standing, taken))
    }

    /// The count after a hit, if the law admits it.
    #[inline]
    fn taken(standing: &Standing, cost: u64) -> Option<u64> {
        let taken = standing.count.checked_add(cost)?;
        (taken <= standing.limit).then_some(taken)
    }

    #[inline]
    const fn with(&self, standing: &Standing, taken: u64) -> Packed {
        Window::new(self.rate).with(standing.start, taken)
    }

    /// Takes a cost, whether there is room or not (L32).
    #[cfg(feature = "engine")]
    pub(super) fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let (start, _) = self.standing(state, now);
        let limit = self.limit(self.factor(start));
        Window::with_limit(self.rate, limit).charge(state, now, cost)
    }

    pub(crate) fn report(&self, state: &Packed, now: u64, cost: u64) -> Report {
        self.report_of(&self.standing_of(state, now), now, cost)
    }

    #[inline(always)]
    fn report_of(&self, standing: &Standing, now: u64, cost: u64) -> Report {
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

    #[inline(always)]
    fn standing_of(&self, state: &Packed, now: u64) -> Standing {
        if Window::new(self.rate).is_ahead(state, now) {
            return self.full(now);
        }
        let (start, count) = Window::new(self.rate).standing(state, now);
        let is_other = count > 0 && state.period != self.rate.period_micros();
        Standing {
            start,
            count,
            limit: self.limit(self.factor(start)),
            gone: is_other.then(|| Window::expires(state)),
        }
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

    /// What its twin in Lua is told: the rate and how many pairs follow, of a microsecond of a day and the limit from then.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> (Vec<u64>, Vec<(u64, u64)>) {
        let pairs: Vec<_> = self.each().map(|(from, _, limit)| (from, limit)).collect();
        let (limit, period) = (self.rate.limit(), self.rate.period_micros());
        (vec![limit, period, pairs.len() as u64], pairs)
    }

    fn limit(&self, factor: Factor) -> u64 {
        factor.of(self.rate.limit())
    }

    /// Each stretch of a UTC day: from, until, and the limit of windows that start in it.
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

    /// The same beside what a window of another period counted, which stays as long as that lasts (L30).
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

    /// The first microsecond of the first window after the one that starts here, in which there is room for a cost.
    #[inline]
    fn first_with(&self, start: u64, cost: u64) -> Option<u64> {
        let next = start + self.rate.period_micros();
        if cost <= self.limit(self.factor(next)) {
            Some(next)
        } else {
            self.first_after(start, cost)
        }
    }

    /// The same if it is not the next one.
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

#[cfg(feature = "engine")]
impl Kernel for Hours {
    type Standing = Standing;

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Standing {
        self.standing_of(state, now)
    }

    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        let is_ahead = Window::new(self.rate).is_ahead(state, now);
        is_ahead.then(|| {
            let standing = self.full(now);
            self.with(&standing, standing.count)
        })
    }

    #[inline(always)]
    fn admit(&self, standing: &Standing, _: u64, cost: u64) -> Option<(Standing, Packed)> {
        let count = Self::taken(standing, cost)?;
        let after = Standing {
            count,
            gone: None,
            ..*standing
        };
        Some((after, self.with(standing, count)))
    }

    #[inline(always)]
    fn report(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        self.report_of(standing, now, cost)
    }
}

/// The least k for which k · step modulo `modulus` is in low ..= high, where high may reach beyond the modulus and then goes
/// on from 0; steps of the Euclidean algorithm.
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
