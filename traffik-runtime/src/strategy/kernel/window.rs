//! Fixed windows: a count in windows aligned to the epoch.

use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::kernel::contract::Kernel;
use crate::strategy::kernel::packed::{Kind, Packed};
#[cfg(feature = "engine")]
use crate::strategy::kernel::tick::EXACT;
use crate::strategy::kernel::tick::gcd;

/// A count in windows aligned to the epoch. A hit is admitted iff the count and its cost stay
/// within the limit.
///
/// The oldest rate limit, also called the fixed window counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    limit: u64,
    nominal: u64,
    period: u64,
}

/// A window as of a time.
pub(crate) struct Standing {
    start: u64,
    count: u64,
    /// The microsecond from which the count is gone.
    end: u64,
}

impl Window {
    /// Makes the law of a rate.
    pub const fn new(rate: Rate) -> Self {
        Self::with_limit(rate, rate.limit())
    }

    /// Makes the law of a rate with another limit than the rate's own.
    pub const fn with_limit(rate: Rate, limit: u64) -> Self {
        Self {
            limit,
            nominal: rate.limit(),
            period: rate.period_micros(),
        }
    }

    /// Returns how many windows of the length `others` a window of the length `window` can overlap;
    /// both are aligned to the epoch.
    pub(crate) const fn overlapped(window: u64, others: u64) -> u64 {
        // The latest it can start in one of them is a common divisor before that one's end.
        1 + (window - gcd(window, others)).div_ceil(others)
    }

    /// Returns the largest cost that is ever admitted.
    pub const fn max_cost(&self) -> u64 {
        self.limit
    }

    /// Reports whether a window starts more than a period ahead of the clock. Then the law no
    /// longer waits for the clock (L4).
    #[inline]
    pub(super) const fn is_ahead(&self, state: &Packed, now: u64) -> bool {
        state.at.saturating_sub(now) > self.period && matches!(state.kind, Kind::Window)
    }

    /// Returns a full window at `now`.
    #[cold]
    const fn full(&self, now: u64) -> Standing {
        self.fresh(now, self.limit)
    }

    /// Returns the first microsecond and the count of the window at `now`.
    #[inline]
    pub fn window_at(&self, state: &Packed, now: u64) -> (u64, u64) {
        let standing = self.standing(state, now);
        (standing.start, standing.count)
    }

    #[inline]
    const fn fresh(&self, now: u64, count: u64) -> Standing {
        let start = self.aligned(now);
        Standing {
            start,
            count,
            end: start + self.period,
        }
    }

    #[inline]
    pub(super) const fn packed(&self, start: u64, count: u64) -> Packed {
        Packed {
            kind: Kind::Window,
            tick_power: 0,
            limit: self.nominal,
            period: self.period,
            at: start,
            amount: count,
            extra: 0,
        }
    }

    /// Returns the arguments of its twin in Lua.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> Vec<u64> {
        vec![self.nominal, self.period, self.limit]
    }

    pub(super) const fn expires(state: &Packed) -> u64 {
        state.at.saturating_add(state.period)
    }

    const fn aligned(&self, now: u64) -> u64 {
        now - now % self.period
    }
}

impl Kernel for Window {
    type Standing = Standing;

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Standing {
        if !matches!(state.kind, Kind::Window) {
            return self.fresh(now, 0);
        }
        if self.is_ahead(state, now) {
            return self.full(now);
        }
        // The clock stands still at the window's first tick until it has caught up (L4).
        let now = now.max(state.at);
        let is_running = now - state.at < state.period;
        if is_running && state.period == self.period {
            return Standing {
                start: state.at,
                count: state.amount,
                end: state.at + self.period,
            };
        }
        let fresh = self.fresh(now, 0);
        if is_running && state.amount > 0 {
            // A window of another period keeps its count until it ends (L30).
            return Standing {
                count: state.amount,
                end: Self::expires(state),
                ..fresh
            };
        }
        fresh
    }

    #[inline(always)]
    fn admit(&self, standing: &Standing, _: u64, cost: u64) -> Option<(Standing, Packed)> {
        let start = standing.start;
        let count = standing
            .count
            .checked_add(cost)
            .filter(|count| *count <= self.limit)?;
        let after = Standing {
            start,
            count,
            end: start + self.period,
        };
        Some((after, self.packed(start, count)))
    }

    #[inline(always)]
    fn report(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        let remaining = self.limit.saturating_sub(standing.count);
        let end = Duration::from_micros(standing.end - now);
        Report {
            limit: self.limit,
            remaining,
            wait: if cost <= remaining {
                Some(Duration::ZERO)
            } else {
                (cost <= self.limit).then_some(end)
            },
            next: (standing.count > 0).then_some(end),
            reset: if standing.count > 0 {
                end
            } else {
                Duration::ZERO
            },
            delay: Duration::ZERO,
        }
    }

    #[cfg(feature = "engine")]
    fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let (start, count) = self.window_at(state, now);
        self.packed(start, count.saturating_add(cost).min(EXACT))
    }

    #[cfg(feature = "engine")]
    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        let full = || {
            let Standing { start, count, .. } = self.full(now);
            self.packed(start, count)
        };
        self.is_ahead(state, now).then(full)
    }
}
