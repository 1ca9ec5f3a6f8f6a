//! Mean cost meters: a level that leaks more slowly after expensive hits.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::error::StrategyError;
#[cfg(feature = "engine")]
use crate::strategy::kernel::refund::{Refund, max_leaked};
use crate::strategy::kernel::tick::{EXACT, gcd, tick, until};

/// A meter whose leak has a factor: the more the last hits cost on average, the more slowly the
/// level leaks (L26, L27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mean {
    limit: u64,
    period: u64,
    tick: u64,
    capacity: u64,
    /// The level's units in one unit of cost.
    units: u64,
    /// The level's units that leak in a tick, for each thousandth of the factor.
    leak: u64,
    /// The number of costs that are remembered.
    window: usize,
    /// The least factor, in thousandths.
    least: u64,
}

/// A level, and the costs whose mean sets its leak.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costs {
    level: u64,
    /// The microsecond of the last hit.
    last: u64,
    /// The factor in force, in thousandths.
    factor: u64,
    remembered: VecDeque<u64>,
    sum: u128,
    /// The rate it was written under: limit, period and tick.
    rate: (u64, u64, u64),
}

impl Costs {
    pub(super) const NONE: Self = Self {
        level: 0,
        last: 0,
        factor: 0,
        remembered: VecDeque::new(),
        sum: 0,
        rate: (0, 0, 0),
    };

    /// Makes a state of its level, last microsecond and factor; its rate's limit, period and tick;
    /// and the costs.
    #[cfg(feature = "engine")]
    pub(crate) fn from_numbers(
        (level, last, factor): (u64, u64, u64),
        rate: (u64, u64, u64),
        remembered: VecDeque<u64>,
    ) -> Self {
        let sum = remembered.iter().map(|cost| u128::from(*cost)).sum();
        Self {
            level,
            last,
            factor,
            remembered,
            sum,
            rate,
        }
    }

    /// Subtracts the part of a hit that has not leaked from the level, and reports whether that
    /// changed it. The mean stays.
    ///
    /// The leak is that of the rate without the factor, which may have been higher before (L32).
    #[cfg(feature = "engine")]
    pub(super) fn refund(&mut self, refund: Refund, limit: u64, now: u64) -> bool {
        let ticks = refund.ticks(self.rate.2.max(1), self.last, now.max(self.last));
        let (Some(ticks), Some((units, leak))) = (ticks, self.units_and_whole_leak()) else {
            return false;
        };
        let leaked = max_leaked(ticks, leak * WHOLE, (limit, self.rate.0));
        let refunded = refund.unleaked(units, leaked).min(self.level);
        self.level -= refunded;
        refunded > 0
    }

    /// Returns the period it was written under, in microseconds.
    #[cfg(feature = "engine")]
    pub(crate) const fn period(&self) -> u64 {
        self.rate.1
    }

    /// Returns the microsecond at which the level will have leaked away.
    #[cfg(feature = "engine")]
    pub(super) fn expires(&self) -> u64 {
        let Some((_, leak)) = self.units_and_whole_leak() else {
            return 0;
        };
        let ticks = self.level.div_ceil((leak * self.factor).max(1));
        self.last.saturating_add(ticks.saturating_mul(self.rate.2))
    }

    /// Returns the level's units in one unit of cost, and those that leak in a tick for each
    /// thousandth of the factor; `None` if nothing was counted.
    #[cfg(feature = "engine")]
    fn units_and_whole_leak(&self) -> Option<(u64, u64)> {
        let (limit, period, tick) = self.rate;
        if self.remembered.is_empty() {
            return None;
        }
        let ticks = WHOLE * (period / tick);
        let g = gcd(limit, ticks);
        Some((ticks / g, limit / g))
    }

    /// Returns the level, last microsecond and factor, and the limit, period and tick of the rate.
    #[cfg(feature = "engine")]
    pub(crate) fn numbers(&self) -> ((u64, u64, u64), (u64, u64, u64)) {
        ((self.level, self.last, self.factor), self.rate)
    }

    /// Returns the costs, oldest first, and their sum.
    #[cfg(feature = "engine")]
    pub(crate) fn costs(&self) -> (impl ExactSizeIterator<Item = u64>, u128) {
        (self.remembered.iter().copied(), self.sum)
    }
}

/// A state as of a tick.
struct Standing {
    at: u64,
    level: u64,
    factor: u64,
}

const WHOLE: u64 = 1_000;

impl Mean {
    /// Makes the law of a rate with room for `capacity`, the mean of `window` costs, and a factor
    /// of at least `least` thousandths.
    ///
    /// # Errors
    ///
    /// [`StrategyError::NoExactTick`] if no tick keeps its numbers exact.
    pub fn new(rate: Rate, capacity: u64, window: u32, least: u64) -> Result<Self, StrategyError> {
        let (limit, period) = (rate.limit(), rate.period_micros());
        let units = |tick: u64| {
            let ticks = WHOLE * (period / tick);
            ticks / gcd(limit, ticks)
        };
        let max_level = |tick: u64| u128::from(capacity) * u128::from(units(tick));
        let tick = tick(&[period], max_level).ok_or(StrategyError::NoExactTick(rate))?;
        Ok(Self {
            limit,
            period,
            tick,
            capacity,
            units: units(tick),
            leak: limit / gcd(limit, WHOLE * (period / tick)),
            window: window as usize,
            least,
        })
    }

    /// Returns the arguments of its twin in Lua.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> Vec<u64> {
        let power = self.tick.ilog10().into();
        let tick = [self.limit, self.period, power, self.tick];
        let level = [self.capacity, self.units, self.leak];
        [&tick[..], &level, &[self.window as u64, self.least]].concat()
    }

    /// Returns the largest number of costs of a state.
    #[cfg(any(feature = "memcached", feature = "redis"))]
    pub(super) const fn max_records(&self) -> u64 {
        self.window as u64
    }

    /// Returns the largest cost that is ever admitted.
    pub const fn max_cost(&self) -> u64 {
        self.capacity
    }

    /// Reports whether costs were written under this rate and tick.
    #[cfg(feature = "engine")]
    pub(crate) fn has_written(&self, state: &Costs) -> bool {
        state.rate == (self.limit, self.period, self.tick)
    }

    /// Returns the level in units of cost, the mean cost, and the factor in force, at `now`.
    pub fn summary(&self, state: &Costs, now: u64) -> (f64, f64, f64) {
        let standing = self.standing(state, now);
        let forgotten = standing.level == 0 || state.remembered.is_empty();
        let mean = if forgotten {
            1.0
        } else {
            state.sum as f64 / state.remembered.len() as f64
        };
        (
            standing.level as f64 / self.units as f64,
            mean,
            standing.factor as f64 / WHOLE as f64,
        )
    }

    /// Reports whether a hit is admitted.
    pub(super) fn admits(&self, state: &Costs, now: u64, cost: u64) -> bool {
        cost <= self.capacity && self.standing(state, now).level <= self.highest(cost)
    }

    /// Counts a hit that was admitted.
    pub(super) fn count(&self, state: &mut Costs, now: u64, cost: u64) {
        let standing = self.standing(state, now);
        if standing.level == 0 {
            state.remembered.clear();
            state.sum = 0;
        }
        let cost = cost.min(EXACT);
        state.remembered.push_back(cost);
        state.sum += u128::from(cost);
        while state.remembered.len() > self.window {
            state.sum -= u128::from(state.remembered.pop_front().unwrap_or(0));
        }
        let mean = u128::from(WHOLE) * state.remembered.len() as u128 / state.sum;
        state.factor = self.least.max(mean as u64);
        // Only a settlement can count more than fits.
        let max = EXACT / self.units;
        let level = standing.level + cost.min(max) * self.units;
        state.level = level.min(max * self.units);
        state.last = standing.at * self.tick;
        state.rate = (self.limit, self.period, self.tick);
    }

    /// Reports how much remains, and how long a hit of this cost would wait.
    pub(super) fn report(&self, state: &Costs, now: u64, cost: u64) -> Report {
        let standing = self.standing(state, now);
        let leaked_to = |level: u64| {
            let above = standing.level.saturating_sub(level);
            let ticks = above.div_ceil(self.leak * standing.factor);
            if ticks == 0 {
                Duration::ZERO
            } else {
                until(standing.at + ticks, self.tick, now)
            }
        };
        let remaining = (self.capacity * self.units).saturating_sub(standing.level) / self.units;
        let wait = |cost: u64| (cost <= self.capacity).then(|| leaked_to(self.highest(cost)));
        Report {
            limit: self.capacity,
            remaining,
            wait: if cost == 0 {
                Some(Duration::ZERO)
            } else {
                wait(cost)
            },
            next: wait(remaining + 1),
            reset: leaked_to(0),
            delay: Duration::ZERO,
        }
    }

    const fn highest(&self, cost: u64) -> u64 {
        (self.capacity - cost) * self.units
    }

    fn standing(&self, state: &Costs, now: u64) -> Standing {
        let now = now / self.tick;
        if state.remembered.is_empty() {
            return Standing {
                at: now,
                level: 0,
                factor: WHOLE,
            };
        }
        let last = state.last.div_ceil(self.tick);
        if self.is_ahead(last, now) {
            return Standing {
                at: now,
                level: self.capacity * self.units,
                factor: state.factor,
            };
        }
        // The clock stands still at the last tick until it has caught up (L4).
        let at = now.max(last);
        let leak = u128::from(at - last) * u128::from(self.leak * state.factor);
        let level = u128::from(self.adopted(state)).saturating_sub(leak) as u64;
        // An empty bucket has forgotten what hits cost.
        let factor = if level == 0 { WHOLE } else { state.factor };
        Standing { at, level, factor }
    }

    /// Reports whether a last tick is more than a period after this one.
    const fn is_ahead(&self, last: u64, now: u64) -> bool {
        last.saturating_sub(now) > self.period / self.tick
    }

    /// Returns a full bucket at `now` with the same costs if the last hit is more than a period
    /// ahead of the clock (L4).
    #[cfg(feature = "engine")]
    pub(super) fn caught_up(&self, state: &Costs, now: u64) -> Option<Costs> {
        let at = now / self.tick;
        let is_ahead = self.is_ahead(state.last.div_ceil(self.tick), at);
        (is_ahead && !state.remembered.is_empty()).then(|| Costs {
            level: self.capacity * self.units,
            last: at * self.tick,
            rate: (self.limit, self.period, self.tick),
            ..state.clone()
        })
    }

    /// Returns the level in this law's units. The level of another rate is rounded up to whole
    /// units of cost (L30).
    fn adopted(&self, state: &Costs) -> u64 {
        if state.rate == (self.limit, self.period, self.tick) {
            return state.level;
        }
        let (limit, period, tick) = state.rate;
        let ticks = WHOLE * (period / tick.max(1));
        let units = (ticks / gcd(limit, ticks).max(1)).max(1);
        state.level.div_ceil(units).min(EXACT / self.units) * self.units
    }
}
