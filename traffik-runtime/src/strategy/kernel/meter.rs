//! Meters: a level that leaks, as a leaky bucket, a token bucket or a GCRA has it.

use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::contract::Kernel;
use crate::strategy::kernel::packed::{Kind, Packed};
use crate::strategy::kernel::reciprocal::Divisor;
#[cfg(feature = "redis")]
use crate::strategy::kernel::tick::NOTHING;
use crate::strategy::kernel::tick::{EXACT, FINEST, coarser, gcd, is_exact, until};

/// A level that leaks L units of cost every W. A hit is admitted iff the level leaves room for its
/// cost.
///
/// The leaky bucket as a meter, described for ATM as the generic cell rate algorithm (ITU-T I.371).
/// The level is an integer: a unit of cost is `W / g` of it, and `L / g` of it leak every tick,
/// with g = gcd(L, W), so that nothing drifts (L2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    need: Need,
    limit: u64,
    tick_power: u8,
    tick: Divisor,
    period: u64,
    /// The largest cost that is ever admitted.
    max_cost: u64,
    /// The level's units in one unit of cost.
    units: Divisor,
    /// The level's units that leak in a tick.
    leak: Divisor,
    /// `true` if admitted hits wait in a queue.
    queues: bool,
}

/// The condition for a hit to be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The capacity has room for the whole cost.
    Room,
    /// The level, which stands for the expected arrival time, is at most this tolerance, whatever
    /// the cost (L17). The tolerance is in the level's units.
    Conformance(u64),
}

/// A meter's level as of a tick.
pub(crate) struct Standing {
    /// The tick of the decision: now, or the last one written if the clock is behind it.
    at: u64,
    level: u64,
}

impl Meter {
    /// Makes the law of a rate with room for `capacity` units of cost.
    ///
    /// # Errors
    ///
    /// [`StrategyError::NoExactTick`] if no tick keeps its numbers exact.
    pub const fn with_capacity(rate: Rate, capacity: u128) -> Result<Self, StrategyError> {
        let (limit, period) = (rate.limit(), rate.period_micros());
        let mut candidate = Some(FINEST);
        while let Some(tick) = candidate {
            let ticks = period / tick;
            let units = ticks / gcd(limit, ticks);
            if is_exact(capacity.saturating_mul(units as u128)) {
                return Ok(Self::new(rate, tick, capacity as u64));
            }
            candidate = coarser(tick, &[period]);
        }
        Err(StrategyError::NoExactTick(rate))
    }

    /// Makes the law of a rate whose admitted hits wait in a queue of this size, which serves one
    /// unit of cost every W/L.
    ///
    /// # Errors
    ///
    /// [`StrategyError::NoExactTick`] if no tick keeps its numbers exact.
    pub const fn with_queue(rate: Rate, size: u64) -> Result<Self, StrategyError> {
        match Self::with_capacity(rate, size as u128) {
            Ok(meter) => Ok(Self {
                queues: true,
                ..meter
            }),
            Err(error) => Err(error),
        }
    }

    /// Makes the law of a rate under which a hit may come early by a tolerance, in microseconds.
    ///
    /// # Errors
    ///
    /// [`StrategyError::NoExactTick`] if no tick keeps its numbers exact.
    pub const fn with_tolerance(rate: Rate, tolerance: u64) -> Result<Self, StrategyError> {
        let (limit, period) = (rate.limit(), rate.period_micros());
        let mut candidate = Some(FINEST);
        while let Some(tick) = candidate {
            let ticks = period / tick;
            let leak = limit / gcd(limit, ticks);
            if is_exact((tolerance / tick + ticks) as u128 * leak as u128) {
                return Ok(Self {
                    need: Need::Conformance(tolerance / tick * leak),
                    ..Self::new(rate, tick, limit)
                });
            }
            candidate = coarser(tick, &[period, tolerance]);
        }
        Err(StrategyError::NoExactTick(rate))
    }

    const fn new(rate: Rate, tick: u64, max_cost: u64) -> Self {
        let (limit, period) = (rate.limit(), rate.period_micros());
        let g = gcd(limit, period / tick);
        Self {
            need: Need::Room,
            limit,
            tick_power: tick.ilog10() as u8,
            tick: Divisor::new(tick),
            period,
            max_cost,
            units: Divisor::new(period / tick / g),
            leak: Divisor::new(limit / g),
            queues: false,
        }
    }

    /// Returns the tick in microseconds.
    pub(crate) const fn tick(&self) -> u64 {
        self.tick.get()
    }

    /// Returns the largest cost that is ever admitted.
    pub const fn max_cost(&self) -> u64 {
        self.max_cost
    }

    /// Reports whether admitted hits wait in a queue.
    #[cfg(feature = "engine")]
    pub(crate) const fn queues(&self) -> bool {
        self.queues
    }

    /// Returns the law that admits a hit of this cost where this one admits as many hits of cost 1
    /// (L17, L39); `None` if that is never so.
    #[cfg(feature = "engine")]
    pub(super) fn for_lease(&self, cost: u64) -> Option<Self> {
        let need = match self.need {
            Need::Room => Need::Room,
            Need::Conformance(tolerance) => {
                let others = cost.saturating_sub(1).saturating_mul(self.units.get());
                Need::Conformance(tolerance.checked_sub(others)?)
            }
        };
        Some(Self { need, ..*self })
    }

    /// Returns the level in units of cost at `now`.
    pub fn level(&self, state: &Packed, now: u64) -> f64 {
        self.standing(state, now).level as f64 / self.units.get() as f64
    }

    /// Returns the microsecond, with its fraction, at which the level will have leaked away.
    pub fn empty_at(&self, state: &Packed, now: u64) -> f64 {
        let standing = self.standing(state, now);
        let ticks = standing.at as f64 + standing.level as f64 / self.leak.get() as f64;
        ticks * self.tick.get() as f64
    }

    /// Returns the level after a hit, if the law admits it.
    #[inline]
    fn level_after(&self, standing: &Standing, cost: u64) -> Option<u64> {
        if cost > self.max_cost || standing.level > self.highest(cost) {
            return None;
        }
        Some(standing.level + cost * self.units.get())
    }

    #[inline]
    fn packed(&self, standing: &Standing, level: u64) -> Packed {
        Packed {
            kind: Kind::Meter,
            tick_power: self.tick_power,
            limit: self.limit,
            period: self.period,
            at: standing.at * self.tick.get(),
            amount: level,
            extra: 0,
        }
    }

    /// Returns the time until the level has leaked down to this one.
    #[inline(always)]
    fn leaked_to(&self, standing: &Standing, level: u64, now: u64) -> Duration {
        let ticks = self.leak.ceil(standing.level.saturating_sub(level));
        if ticks == 0 {
            Duration::ZERO
        } else {
            until(standing.at + ticks, self.tick.get(), now)
        }
    }

    fn queue_delay(&self, after: &Packed, now: u64, cost: u64) -> Duration {
        let before = after.amount - cost * self.units.get();
        // A delay begins at the time of the law, not at that of a clock behind it; only waits begin
        // there.
        let moment = now.max(after.at);
        match self.leak.ceil(before) {
            0 => Duration::ZERO,
            ticks => until(self.tick.floor(after.at) + ticks, self.tick.get(), moment),
        }
    }

    /// Returns the highest level at which a cost, at most the largest, is admitted.
    #[inline]
    const fn highest(&self, cost: u64) -> u64 {
        match self.need {
            Need::Room => (self.max_cost - cost) * self.units.get(),
            Need::Conformance(tolerance) => tolerance,
        }
    }

    /// Returns the largest value of `remaining`: the capacity, or the number of hits of cost 1 that
    /// the tolerance admits at once.
    const fn limit(&self) -> u64 {
        match self.need {
            Need::Room => self.max_cost,
            Need::Conformance(tolerance) => self.units.floor(tolerance) + 1,
        }
    }

    #[inline]
    const fn remaining(&self, level: u64) -> u64 {
        match self.need {
            Need::Room => {
                let room = (self.max_cost * self.units.get()).saturating_sub(level);
                self.units.floor(room)
            }
            Need::Conformance(tolerance) if level > tolerance => 0,
            Need::Conformance(tolerance) => self.units.floor(tolerance - level) + 1,
        }
    }

    /// Returns the highest level at which this much remains, from 1 to the limit.
    const fn leaves(&self, remaining: u64) -> u64 {
        match self.need {
            Need::Room => (self.max_cost - remaining) * self.units.get(),
            Need::Conformance(tolerance) => tolerance - (remaining - 1) * self.units.get(),
        }
    }

    /// Reports whether a last tick is more than a period after this one.
    #[cold]
    const fn is_ahead(&self, last: u64, now: u64) -> bool {
        last.saturating_sub(now) > self.tick.floor(self.period)
    }

    /// Returns the level that admits nothing: the whole capacity, or the level after a hit at the
    /// end of the tolerance.
    #[cold]
    const fn full(&self) -> u64 {
        match self.need {
            Need::Room => self.max_cost * self.units.get(),
            Need::Conformance(tolerance) => {
                tolerance + self.leak.ceil(self.units.get()) * self.leak.get()
            }
        }
    }

    /// Returns the level of a state in this law's units. The level of another rate is rounded up to
    /// whole units of cost (L30).
    #[inline]
    fn adopted(&self, state: &Packed) -> u64 {
        if self.has_written(state) {
            return state.amount;
        }
        let cost = state.amount.div_ceil(state.units());
        cost.min(self.units.floor(EXACT)) * self.units.get()
    }

    /// Reports whether a state was written under this rate and tick.
    #[inline]
    const fn has_written(&self, state: &Packed) -> bool {
        state.period == self.period
            && state.limit == self.limit
            && state.tick_power == self.tick_power
    }

    /// Returns the arguments of its twin in Lua.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> Vec<u64> {
        let tolerance = match self.need {
            Need::Room => NOTHING,
            Need::Conformance(tolerance) => tolerance,
        };
        let power = self.tick_power.into();
        let tick = [self.limit, self.period, power, self.tick.get()];
        let level = [self.max_cost, self.units.get(), self.leak.get(), tolerance];
        [tick, level].concat()
    }

    pub(super) const fn expires(state: &Packed) -> u64 {
        let ticks = state.amount.div_ceil(state.leak());
        state.at.saturating_add(ticks.saturating_mul(state.tick()))
    }
}

impl Kernel for Meter {
    type Standing = Standing;

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Standing {
        let now = self.tick.floor(now);
        if state.kind != Kind::Meter {
            return Standing { at: now, level: 0 };
        }
        let last = self.tick.ceil(state.at);
        if last > now && self.is_ahead(last, now) {
            return Standing {
                at: now,
                level: self.full(),
            };
        }
        // The clock stands still at the last tick until it has caught up (L4).
        let at = now.max(last);
        let level = self.adopted(state);
        let leaked = (at - last).saturating_mul(self.leak.get());
        Standing {
            at,
            level: level.saturating_sub(leaked),
        }
    }

    #[inline(always)]
    fn admit(&self, standing: &Standing, _: u64, cost: u64) -> Option<(Standing, Packed)> {
        let level = self.level_after(standing, cost)?;
        let after = Standing { level, ..*standing };
        Some((after, self.packed(standing, level)))
    }

    #[inline(always)]
    fn report(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        let (limit, remaining) = (self.limit(), self.remaining(standing.level));
        let leaked_to = |level: u64| self.leaked_to(standing, level, now);
        Report {
            limit,
            remaining,
            wait: if cost == 0 {
                Some(Duration::ZERO)
            } else {
                (cost <= self.max_cost).then(|| leaked_to(self.highest(cost)))
            },
            next: (remaining < limit).then(|| leaked_to(self.leaves(remaining + 1))),
            reset: leaked_to(0),
            delay: Duration::ZERO,
        }
    }

    #[cfg(feature = "engine")]
    fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let standing = self.standing(state, now);
        let max = self.units.floor(EXACT);
        let level = standing.level + cost.min(max) * self.units.get();
        self.packed(&standing, level.min(max * self.units.get()))
    }

    #[cfg(feature = "engine")]
    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        if state.at <= now || state.kind != Kind::Meter {
            return None;
        }
        let (last, at) = (self.tick.ceil(state.at), self.tick.floor(now));
        let full = || self.packed(&Standing { at, level: 0 }, self.full());
        self.is_ahead(last, at).then(full)
    }

    #[cfg(feature = "engine")]
    #[inline(always)]
    fn knows_end(&self, state: &Packed) -> bool {
        self.has_written(state) || state.kind != Kind::Meter
    }

    /// Returns how long the hit that led to this state waits for those before it (L16).
    #[inline]
    fn delay(&self, after: &Packed, now: u64, cost: u64) -> Duration {
        if self.queues && cost > 0 {
            self.queue_delay(after, now, cost)
        } else {
            Duration::ZERO
        }
    }
}
