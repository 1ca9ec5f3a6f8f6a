//! Sliding counters: the counts of two windows, the older one weighted.

use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::contract::Kernel;
use crate::strategy::kernel::packed::{Kind, Packed};
use crate::strategy::kernel::reciprocal::Divisor;
use crate::strategy::kernel::tick::{EXACT, FINEST, coarser, is_exact};

/// The counts of two windows, the previous one weighted by the part of it that is still in sight.
///
/// A hit is admitted iff `previous · (W − e) / W + current + cost ≤ L`, where `e` is the time since
/// the current window began (L14). The approximation became known by Cloudflare's "How we built
/// rate limiting capable of scaling to millions of domains".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    limit: u64,
    tick_power: u8,
    tick: Divisor,
    /// The window, in ticks.
    window: Divisor,
    /// The largest count whose product with the window is exact.
    max_count: u64,
}

/// A counter's state as of a tick.
pub(crate) struct Standing {
    /// The tick of the decision: now, or the first tick of the window if the clock is behind it.
    at: u64,
    /// The window's first tick.
    start: u64,
    previous: u64,
    current: u64,
    /// The tick from which both counts are gone, if they were counted under another period (L30).
    gone: Option<u64>,
}

impl Counter {
    /// Makes the law of a rate.
    ///
    /// # Errors
    ///
    /// [`StrategyError::NoExactTick`] if no tick keeps its numbers exact.
    pub const fn new(rate: Rate) -> Result<Self, StrategyError> {
        let (limit, period) = (rate.limit(), rate.period_micros());
        let mut candidate = Some(FINEST);
        while let Some(tick) = candidate {
            let window = period / tick;
            if is_exact(limit as u128 * window as u128) {
                return Ok(Self {
                    limit,
                    tick_power: tick.ilog10() as u8,
                    tick: Divisor::new(tick),
                    window: Divisor::new(window),
                    max_count: EXACT / window,
                });
            }
            candidate = coarser(tick, &[period]);
        }
        Err(StrategyError::NoExactTick(rate))
    }

    /// Returns the tick in microseconds.
    pub(crate) const fn tick(&self) -> u64 {
        self.tick.get()
    }

    /// Returns the largest cost that is ever admitted.
    pub const fn max_cost(&self) -> u64 {
        self.limit
    }

    /// Returns the counts of the previous and the current window, and their weighted sum, at `now`.
    pub fn weighted(&self, state: &Packed, now: u64) -> (u64, u64, f64) {
        let standing = self.standing(state, now);
        let weight = self.in_sight(&standing) as f64 / self.window.get() as f64;
        let Standing {
            previous, current, ..
        } = standing;
        (previous, current, current as f64 + previous as f64 * weight)
    }

    /// Returns the current count after a hit, if the law admits it.
    #[inline]
    fn count_after(&self, standing: &Standing, cost: u64) -> Option<u64> {
        let room = self
            .limit
            .checked_sub(standing.current)?
            .checked_sub(cost)?;
        if standing.previous * self.in_sight(standing) > room * self.window.get() {
            return None;
        }
        Some(standing.current + cost)
    }

    #[inline]
    fn packed(&self, standing: &Standing, count: u64) -> Packed {
        Packed {
            kind: Kind::Counter,
            tick_power: self.tick_power,
            limit: self.limit,
            period: self.window.get() * self.tick.get(),
            at: standing.start * self.tick.get(),
            amount: count,
            extra: standing.previous,
        }
    }

    /// Returns the first tick that admits a cost which is refused now (L14).
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

    /// Returns how many ticks of the previous window are still in sight.
    #[inline]
    const fn in_sight(&self, standing: &Standing) -> u64 {
        self.window.get() - (standing.at - standing.start)
    }

    #[cfg(feature = "engine")]
    #[cold]
    fn full(&self, now: u64) -> Packed {
        self.packed(&self.standing(&Packed::NOTHING, now), self.limit)
    }

    /// Bounds a count so that its product with the window stays exact (L31).
    const fn clamped(&self, count: u64) -> u64 {
        if count < self.max_count {
            count
        } else {
            self.max_count
        }
    }

    /// Returns the arguments of its twin in Lua.
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

impl Kernel for Counter {
    type Standing = Standing;

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

    #[inline(always)]
    fn admit(&self, standing: &Standing, now: u64, cost: u64) -> Option<(Standing, Packed)> {
        let current = self.count_after(standing, cost)?;
        let after = Standing {
            at: self.tick.floor(now).max(standing.start),
            current,
            gone: None,
            ..*standing
        };
        Some((after, self.packed(standing, current)))
    }

    #[inline(always)]
    fn report(&self, standing: &Standing, now: u64, cost: u64) -> Report {
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

    #[cfg(feature = "engine")]
    fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let standing = self.standing(state, now);
        let count = standing.current.saturating_add(cost);
        self.packed(&standing, self.clamped(count))
    }

    #[cfg(feature = "engine")]
    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        let ahead = self
            .tick
            .ceil(state.at)
            .saturating_sub(self.tick.floor(now));
        let is_ahead = state.kind == Kind::Counter && ahead > self.window.get();
        is_ahead.then(|| self.full(now))
    }
}
