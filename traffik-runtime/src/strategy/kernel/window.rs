use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
#[cfg(feature = "engine")]
use crate::strategy::kernel::Kernel;
use crate::strategy::kernel::packed::{Kind, Packed};
#[cfg(feature = "engine")]
use crate::strategy::kernel::tick::EXACT;
use crate::strategy::kernel::tick::gcd;

/// A count in windows that are aligned to the epoch: admitted iff the count and the cost stay within the limit.
///
/// The oldest of rate limits, known as the fixed window counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    limit: u64,
    nominal: u64,
    period: u64,
}

impl Window {
    /// The law of a rate.
    pub const fn new(rate: Rate) -> Self {
        Self::with_limit(rate, rate.limit())
    }

    /// The law of a rate under another limit than its own.
    pub const fn with_limit(rate: Rate, limit: u64) -> Self {
        Self {
            limit,
            nominal: rate.limit(),
            period: rate.period_micros(),
        }
    }

    /// How many windows of one length a window of another can meet; both are aligned to the epoch.
    pub(crate) const fn met(window: u64, others: u64) -> u64 {
        // The latest it can start in one of them is a common divisor before that one's end.
        1 + (window - gcd(window, others)).div_ceil(others)
    }

    /// The largest cost a window can take.
    pub const fn max_cost(&self) -> u64 {
        self.limit
    }

    /// Whether a window starts more than a period ahead of the clock, which is then no longer waited for (L4).
    #[inline]
    pub(super) const fn is_ahead(&self, state: &Packed, now: u64) -> bool {
        state.at.saturating_sub(now) > self.period && matches!(state.kind, Kind::Window)
    }

    /// A window of now that is full.
    #[cold]
    fn full(&self, now: u64) -> Packed {
        self.with(self.aligned(now), self.limit)
    }

    #[inline]
    fn current(&self, state: &Packed, now: u64) -> Packed {
        if self.is_ahead(state, now) {
            self.full(now)
        } else {
            *state
        }
    }

    /// The window's first microsecond and its count, at a time.
    #[inline]
    pub fn standing(&self, state: &Packed, now: u64) -> (u64, u64) {
        self.standing_of(&self.current(state, now), now)
    }

    #[inline]
    const fn standing_of(&self, state: &Packed, now: u64) -> (u64, u64) {
        if !matches!(state.kind, Kind::Window) {
            return (self.aligned(now), 0);
        }
        // The clock stands still at the window's first tick until it has caught up (L4).
        let now = if now < state.at { state.at } else { now };
        let running = now - state.at < state.period;
        if running && state.period == self.period {
            (state.at, state.amount)
        } else {
            // A window of another period that has not ended keeps its count (L30).
            (self.aligned(now), if running { state.amount } else { 0 })
        }
    }

    #[inline]
    pub(crate) fn decide(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        self.decide_on(&self.current(state, now), now, cost)
    }

    #[inline]
    fn decide_on(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        let (start, count) = self.standing_of(state, now);
        let taken = count
            .checked_add(cost)
            .filter(|taken| *taken <= self.limit)?;
        Some(self.with(start, taken))
    }

    /// Takes a cost, whether there is room or not (L32).
    #[cfg(feature = "engine")]
    pub(super) fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let (start, count) = self.standing(state, now);
        self.with(start, count.saturating_add(cost).min(EXACT))
    }

    #[inline]
    pub(super) const fn with(&self, start: u64, taken: u64) -> Packed {
        Packed {
            kind: Kind::Window,
            tick_power: 0,
            limit: self.nominal,
            period: self.period,
            at: start,
            amount: taken,
            extra: 0,
        }
    }

    #[inline]
    pub(crate) fn report(&self, state: &Packed, now: u64, cost: u64) -> Report {
        self.report_on(&self.current(state, now), now, cost)
    }

    #[inline]
    fn report_on(&self, state: &Packed, now: u64, cost: u64) -> Report {
        let (start, count) = self.standing_of(state, now);
        let remaining = self.limit.saturating_sub(count);
        let end = if count > 0 && state.period != self.period {
            // What a window of another period counted stays as long as that lasts (L30).
            Self::expires(state)
        } else {
            start + self.period
        };
        let end = Duration::from_micros(end - now);
        Report {
            limit: self.limit,
            remaining,
            wait: if cost <= remaining {
                Some(Duration::ZERO)
            } else {
                (cost <= self.limit).then_some(end)
            },
            next: (count > 0).then_some(end),
            reset: if count > 0 { end } else { Duration::ZERO },
            delay: Duration::ZERO,
        }
    }

    /// What its twin in Lua is told.
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

/// To look a state up anew for each question takes no longer than to carry along what was seen.
#[cfg(feature = "engine")]
impl Kernel for Window {
    type Standing = Packed;

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Packed {
        self.current(state, now)
    }

    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        self.is_ahead(state, now).then(|| self.full(now))
    }

    #[inline(always)]
    fn admit(&self, state: &Packed, now: u64, cost: u64) -> Option<(Packed, Packed)> {
        let after = self.decide_on(state, now, cost)?;
        Some((after, after))
    }

    #[inline(always)]
    fn report(&self, state: &Packed, now: u64, cost: u64) -> Report {
        self.report_on(state, now, cost)
    }
}
