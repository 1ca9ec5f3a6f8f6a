use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::error::StrategyError;
#[cfg(feature = "engine")]
use crate::strategy::kernel::Kernel;
use crate::strategy::kernel::packed::{Kind, Packed};
use crate::strategy::kernel::reciprocal::Divisor;
use crate::strategy::kernel::tick::{EXACT, tick};

/// The counts of two windows, the previous one weighted by how much of it is still in sight.
///
/// Admitted iff `previous · (W − e) / W + current + cost ≤ L`, where `e` is how far the current window has run (L14). The
/// approximation was made known by Cloudflare's "How we built rate limiting capable of scaling to millions of domains".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    limit: u64,
    tick_power: u8,
    tick: Divisor,
    /// The window, in ticks.
    window: Divisor,
    /// The largest count that times the window is exact.
    most: u64,
}

/// A counter's state as of a tick.
pub(crate) struct Standing {
    /// The tick of the decision: now, or the window's first if the clock is behind it.
    at: u64,
    /// The window's first tick.
    start: u64,
    previous: u64,
    current: u64,
    /// The tick from which both are gone, if they were counted under another period (L30).
    gone: Option<u64>,
}

impl Counter {
    /// The law of a rate.
    ///
    /// # Errors
    ///
    /// When no tick keeps its numbers exact.
    pub fn new(rate: Rate) -> Result<Self, StrategyError> {
        let (limit, period) = (rate.limit(), rate.period_micros());
        let tick = tick(&[period], |tick| {
            u128::from(limit) * u128::from(period / tick)
        })
        .ok_or(StrategyError::NoExactTick(rate))?;
        Ok(Self {
            limit,
            tick_power: tick.ilog10() as u8,
            tick: Divisor::new(tick),
            window: Divisor::new(period / tick),
            most: EXACT / (period / tick),
        })
    }

    /// The tick, in microseconds.
    pub(crate) const fn tick(&self) -> u64 {
        self.tick.get()
    }

    /// The largest cost two windows can take.
    pub const fn max_cost(&self) -> u64 {
        self.limit
    }

    /// The previous window's count, the current one's, and their weighted sum, at a time.
    pub fn weighted(&self, state: &Packed, now: u64) -> (u64, u64, f64) {
        let standing = self.standing(state, now);
        let weight = self.in_sight(&standing) as f64 / self.window.get() as f64;
        let Standing {
            previous, current, ..
        } = standing;
        (previous, current, current as f64 + previous as f64 * weight)
    }

    pub(super) fn decide(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        let standing = self.standing(state, now);
        let taken = self.taken(&standing, cost)?;
        Some(self.with(&standing, taken))
    }

    /// The current count after a hit, if the law admits it.
    #[inline]
    fn taken(&self, standing: &Standing, cost: u64) -> Option<u64> {
        let room = self
            .limit
            .checked_sub(standing.current)?
            .checked_sub(cost)?;
        if standing.previous * self.in_sight(standing) > room * self.window.get() {
            return None;
        }
        Some(standing.current + cost)
    }

    /// Takes a cost, whether there is room or not (L32).
    #[cfg(feature = "engine")]
    pub(super) fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let standing = self.standing(state, now);
        let taken = standing.current.saturating_add(cost);
        self.with(&standing, self.clamped(taken))
    }

    #[inline]
    fn with(&self, standing: &Standing, taken: u64) -> Packed {
        Packed {
            kind: Kind::Counter,
            tick_power: self.tick_power,
            limit: self.limit,
            period: self.window.get() * self.tick.get(),
            at: standing.start * self.tick.get(),
            amount: taken,
            extra: standing.previous,
        }
    }

    pub(super) fn report(&self, state: &Packed, now: u64, cost: u64) -> Report {
        self.report_of(&self.standing(state, now), now, cost)
    }

    #[inline(always)]
    fn report_of(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        let weighted = self
            .window
            .ceil(standing.previous * self.in_sight(standing));
        let remaining = self
            .limit
            .saturating_sub(standing.current)
            .saturating_sub(weighted);
        let until = |tick: u64| Duration::from_micros(tick * self.tick.get() - now);
        let next = self.admits_from(standing, remaining + 1).map(until);
        Report {
            limit: self.limit,
            remaining,
            wait: if cost <= remaining {
                Some(Duration::ZERO)
            } else if cost == remaining + 1 {
                next
            } else {
                self.admits_from(standing, cost).map(until)
            },
            next,
            reset: match (standing.gone, standing.previous, standing.current) {
                (Some(gone), ..) => until(gone),
                (_, 0, 0) => Duration::ZERO,
                (_, _, 0) => until(standing.start + self.window.get()),
                _ => until(standing.start + 2 * self.window.get()),
            },
            delay: Duration::ZERO,
        }
    }

    /// The first tick that admits a cost which is refused now (L14).
    fn admits_from(&self, standing: &Standing, cost: u64) -> Option<u64> {
        let room = self.limit.checked_sub(cost)?;
        let Standing {
            start,
            previous,
            current,
            gone,
            ..
        } = *standing;
        if gone.is_some() {
            return gone;
        }
        Some(if current <= room {
            start + self.window.get()
                - ((room - current) * self.window.get()).checked_div(previous)?
        } else {
            start + 2 * self.window.get() - (room * self.window.get()).checked_div(current)?
        })
    }

    /// How many ticks of the previous window are still in sight.
    #[inline]
    const fn in_sight(&self, standing: &Standing) -> u64 {
        self.window.get() - (standing.at - standing.start)
    }

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Standing {
        let now = self.tick.floor(now);
        let window = self.window.get();
        let fresh = |at: u64| Standing {
            at,
            start: self.window.floor(at) * window,
            previous: 0,
            current: 0,
            gone: None,
        };
        if state.kind != Kind::Counter {
            return fresh(now);
        }
        // The clock stands still at the window's first tick until it has caught up (L4).
        let first = self.tick.ceil(state.at);
        if first.saturating_sub(now) > window {
            return Standing {
                current: self.limit,
                ..fresh(now)
            };
        }
        let at = now.max(first);
        let (previous, current) = (state.extra, state.amount);
        if state.period != self.window.get() * self.tick.get() {
            // Under another period both counts are the current one's, if they still mattered (L30).
            let gone = self.tick.ceil(Self::expires(state));
            let fresh = fresh(at);
            return if at < gone {
                Standing {
                    current: self.clamped(previous.saturating_add(current)),
                    gone: Some(gone),
                    ..fresh
                }
            } else {
                fresh
            };
        }
        let start = self.tick.floor(state.at);
        match self.window.floor(at - start) {
            0 => Standing {
                at,
                start,
                previous: self.clamped(previous),
                current: self.clamped(current),
                gone: None,
            },
            1 => Standing {
                at,
                start: start + self.window.get(),
                previous: self.clamped(current),
                current: 0,
                gone: None,
            },
            _ => fresh(at),
        }
    }

    #[cfg(feature = "engine")]
    #[cold]
    fn full(&self, now: u64) -> Packed {
        self.with(&self.standing(&Packed::NOTHING, now), self.limit)
    }

    /// A count that times the window stays exact (L31).
    const fn clamped(&self, count: u64) -> u64 {
        if count < self.most { count } else { self.most }
    }

    /// What its twin in Lua is told.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> Vec<u64> {
        let period = self.window.get() * self.tick.get();
        let power = self.tick_power.into();
        vec![
            self.limit,
            period,
            power,
            self.tick.get(),
            self.window.get(),
        ]
    }

    pub(super) const fn expires(state: &Packed) -> u64 {
        let windows = if state.amount > 0 { 2 } else { 1 };
        state.at.saturating_add(state.period * windows)
    }
}

#[cfg(feature = "engine")]
impl Kernel for Counter {
    type Standing = Standing;

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Standing {
        self.standing(state, now)
    }

    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        let ahead = self
            .tick
            .ceil(state.at)
            .saturating_sub(self.tick.floor(now));
        let is_ahead = state.kind == Kind::Counter && ahead > self.window.get();
        is_ahead.then(|| self.full(now))
    }

    #[inline(always)]
    fn admit(&self, standing: &Standing, now: u64, cost: u64) -> Option<(Standing, Packed)> {
        let current = self.taken(standing, cost)?;
        let after = Standing {
            at: self.tick.floor(now).max(standing.start),
            current,
            gone: None,
            ..*standing
        };
        Some((after, self.with(standing, current)))
    }

    #[inline(always)]
    fn report(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        self.report_of(standing, now, cost)
    }
}
