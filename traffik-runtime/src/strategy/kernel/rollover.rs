//! Windows with rollover: a count whose limit grows by a part of what was left unused.

use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::kernel::contract::Kernel;
use crate::strategy::kernel::packed::{Kind, Packed};
#[cfg(feature = "engine")]
use crate::strategy::kernel::tick::EXACT;

/// A count in windows aligned to the epoch, whose limit grows by a part of what the previous window
/// left unused (L20, L21).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollover {
    limit: u64,
    period: u64,
    /// The part that is carried over, in hundred-millionths.
    part: u64,
    /// The largest number of units that are carried over.
    max_carry: u64,
}

/// A state as of a time.
pub(crate) struct Standing {
    start: u64,
    /// The units that the previous window admitted.
    previous: u64,
    current: u64,
    /// The microsecond from which the count is gone, if it is that of a window of another period
    /// (L30).
    gone: Option<u64>,
}

/// A whole in hundred-millionths: a percentage has six places.
const WHOLE: u64 = 100_000_000;

impl Rollover {
    /// Makes the law of a rate that carries over so many millionths of a percent, at most
    /// `max_carry` units.
    pub fn new(rate: Rate, percent_millionths: u64, max_carry: u64) -> Self {
        Self {
            limit: rate.limit(),
            period: rate.period_micros(),
            part: percent_millionths,
            max_carry,
        }
    }

    /// Returns the largest cost that is ever admitted: with everything that can be carried over.
    pub fn max_cost(&self) -> u64 {
        self.limit + self.carry(0)
    }

    /// Returns the limit of a window that nothing was carried over into.
    #[cfg(feature = "engine")]
    pub(super) const fn nominal(&self) -> u64 {
        self.limit
    }

    /// Returns the units that are carried over from a window that admitted `used`.
    #[inline]
    pub fn carry(&self, used: u64) -> u64 {
        let unused = self.limit.saturating_sub(used);
        // In two steps, each of which fits.
        let whole = unused / WHOLE * self.part;
        self.max_carry
            .min(whole + unused % WHOLE * self.part / WHOLE)
    }

    /// Returns the counts of the previous and the current window at `now`.
    pub fn usage(&self, state: &Packed, now: u64) -> (u64, u64) {
        let standing = self.standing(state, now);
        (standing.previous, standing.current)
    }

    /// Returns the current count after a hit, if the law admits it.
    #[inline]
    fn count_after(&self, standing: &Standing, cost: u64) -> Option<u64> {
        let count = standing.current.checked_add(cost)?;
        (count <= self.limit + self.carry(standing.previous)).then_some(count)
    }

    #[inline]
    fn packed(&self, standing: &Standing, count: u64) -> Packed {
        Packed {
            kind: Kind::Rollover,
            tick_power: 0,
            limit: self.limit,
            period: self.period,
            at: standing.start,
            amount: count,
            extra: standing.previous,
        }
    }

    /// Returns the arguments of its twin in Lua.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> Vec<u64> {
        vec![
            self.limit,
            self.period,
            self.part,
            self.max_carry.min(EXACT),
        ]
    }

    pub(super) fn expires(state: &Packed) -> u64 {
        let windows = if state.amount > 0 { 2 } else { 1 };
        state.at.saturating_add(state.period * windows)
    }
}

impl Kernel for Rollover {
    type Standing = Standing;

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Standing {
        let fresh = |at: u64| Standing {
            start: at - at % self.period,
            previous: 0,
            current: 0,
            gone: None,
        };
        if state.kind != Kind::Rollover {
            return fresh(now);
        }
        let (previous, current) = (state.extra, state.amount);
        let start = state.at;
        if start.saturating_sub(now) > self.period {
            return Standing {
                current: self.max_cost(),
                ..fresh(now)
            };
        }
        let at = now.max(start);
        let windows = if at - start < state.period {
            0
        } else {
            (at - start) / state.period
        };
        if state.period != self.period {
            // A window of another period that has not ended keeps its count (L30).
            let current = if windows == 0 { current } else { 0 };
            return Standing {
                current,
                gone: (current > 0).then_some(start + state.period),
                ..fresh(at)
            };
        }
        match windows {
            0 => Standing {
                start,
                previous,
                current,
                gone: None,
            },
            1 => Standing {
                start: start + self.period,
                previous: current,
                current: 0,
                gone: None,
            },
            _ => fresh(at),
        }
    }

    #[inline(always)]
    fn admit(&self, standing: &Standing, _: u64, cost: u64) -> Option<(Standing, Packed)> {
        let current = self.count_after(standing, cost)?;
        let after = Standing {
            current,
            gone: None,
            ..*standing
        };
        Some((after, self.packed(standing, current)))
    }

    #[inline(always)]
    fn report(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        let Standing {
            start,
            previous,
            current,
            gone,
        } = *standing;
        let limit = self.limit + self.carry(previous);
        let remaining = limit.saturating_sub(current);
        let after = |windows: u64| {
            // The count of a window of another period is all there is.
            let end = gone.unwrap_or_else(|| start + windows * self.period);
            Duration::from_micros(end - now)
        };
        let later = |cost: u64| {
            if cost <= self.limit + self.carry(current) {
                Some(after(1))
            } else {
                // The window after the next one has an unused one before it.
                (cost <= self.max_cost()).then(|| after(2))
            }
        };
        let next = later(remaining + 1);
        Report {
            limit,
            remaining,
            wait: if cost <= remaining {
                Some(Duration::ZERO)
            } else if cost == remaining + 1 {
                next
            } else {
                later(cost)
            },
            next,
            reset: match (previous, current) {
                (0, 0) => Duration::ZERO,
                (_, 0) => after(1),
                _ => after(2),
            },
            delay: Duration::ZERO,
        }
    }

    #[cfg(feature = "engine")]
    fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let standing = self.standing(state, now);
        let count = standing.current.saturating_add(cost);
        self.packed(&standing, count.min(EXACT))
    }

    #[cfg(feature = "engine")]
    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        let is_ahead = state.at.saturating_sub(now) > self.period;
        (is_ahead && state.kind == Kind::Rollover).then(|| {
            let standing = self.standing(state, now);
            self.packed(&standing, standing.current)
        })
    }
}
