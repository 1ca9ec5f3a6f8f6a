use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
#[cfg(feature = "engine")]
use crate::strategy::kernel::Kernel;
use crate::strategy::kernel::packed::{Kind, Packed};
#[cfg(feature = "engine")]
use crate::strategy::kernel::tick::EXACT;

/// A count in windows aligned to the epoch, whose limit grows by a part of what the window before left unused (L20, L21).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollover {
    limit: u64,
    period: u64,
    /// Which part is carried over, in hundred-millionths.
    part: u64,
    most: u64,
}

/// The state as of a time.
pub(crate) struct Standing {
    start: u64,
    /// What the window before admitted.
    previous: u64,
    current: u64,
    /// When what it counts is gone, if that was counted in a window of another period (L30).
    gone: Option<u64>,
}

/// A percentage has six places.
const WHOLE: u64 = 100_000_000;

impl Rollover {
    /// The law of a rate that carries over so many millionths of a percent, at most so many units.
    pub fn new(rate: Rate, percent_millionths: u64, most: u64) -> Self {
        Self {
            limit: rate.limit(),
            period: rate.period_micros(),
            part: percent_millionths,
            most,
        }
    }

    /// The largest cost a window can take: with all that can be carried over.
    pub fn max_cost(&self) -> u64 {
        self.limit + self.carry(0)
    }

    /// Returns the limit of a window into which nothing was carried over.
    #[cfg(feature = "engine")]
    pub(super) const fn nominal(&self) -> u64 {
        self.limit
    }

    /// What a window carries over when the one before admitted this much.
    #[inline]
    pub fn carry(&self, used: u64) -> u64 {
        let unused = self.limit.saturating_sub(used);
        // In two steps, each of which fits.
        let whole = unused / WHOLE * self.part;
        self.most.min(whole + unused % WHOLE * self.part / WHOLE)
    }

    /// What the window before admitted, and what the current one did, at a time.
    pub fn usage(&self, state: &Packed, now: u64) -> (u64, u64) {
        let standing = self.standing(state, now);
        (standing.previous, standing.current)
    }

    pub(crate) fn decide(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        let standing = self.standing(state, now);
        let taken = self.taken(&standing, cost)?;
        Some(self.with(&standing, taken))
    }

    /// The current count after a hit, if the law admits it.
    #[inline]
    fn taken(&self, standing: &Standing, cost: u64) -> Option<u64> {
        let taken = standing.current.checked_add(cost)?;
        (taken <= self.limit + self.carry(standing.previous)).then_some(taken)
    }

    /// Takes a cost, whether there is room or not (L32).
    #[cfg(feature = "engine")]
    pub(super) fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let standing = self.standing(state, now);
        let taken = standing.current.saturating_add(cost);
        self.with(&standing, taken.min(EXACT))
    }

    #[inline]
    fn with(&self, standing: &Standing, taken: u64) -> Packed {
        Packed {
            kind: Kind::Rollover,
            tick_power: 0,
            limit: self.limit,
            period: self.period,
            at: standing.start,
            amount: taken,
            extra: standing.previous,
        }
    }

    pub(crate) fn report(&self, state: &Packed, now: u64, cost: u64) -> Report {
        self.report_of(&self.standing(state, now), now, cost)
    }

    #[inline(always)]
    fn report_of(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        let Standing {
            start,
            previous,
            current,
            gone,
        } = *standing;
        let limit = self.limit + self.carry(previous);
        let remaining = limit.saturating_sub(current);
        let after = |windows: u64| {
            // What a window of another period counted is all there is.
            let end = gone.unwrap_or_else(|| start + windows * self.period);
            Duration::from_micros(end - now)
        };
        let later = |cost: u64| {
            if cost <= self.limit + self.carry(current) {
                Some(after(1))
            } else {
                // The one after the next finds an unused one before it.
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

    /// What its twin in Lua is told.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> Vec<u64> {
        vec![self.limit, self.period, self.part, self.most.min(EXACT)]
    }

    pub(super) fn expires(state: &Packed) -> u64 {
        let windows = if state.amount > 0 { 2 } else { 1 };
        state.at.saturating_add(state.period * windows)
    }
}

#[cfg(feature = "engine")]
impl Kernel for Rollover {
    type Standing = Standing;

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Standing {
        self.standing(state, now)
    }

    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        let is_ahead = state.at.saturating_sub(now) > self.period;
        (is_ahead && state.kind == Kind::Rollover).then(|| {
            let standing = self.standing(state, now);
            self.with(&standing, standing.current)
        })
    }

    #[inline(always)]
    fn admit(&self, standing: &Standing, _: u64, cost: u64) -> Option<(Standing, Packed)> {
        let current = self.taken(standing, cost)?;
        let after = Standing {
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
