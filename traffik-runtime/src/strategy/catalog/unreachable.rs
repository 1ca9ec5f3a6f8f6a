//! Unreachable rates: rates of a list that never refuse, since another one is stricter.
//!
//! All rates of a list count the same hits, those that each of them admits. So a rate is
//! unreachable beside another one if it never refuses a hit that the other admits. Each law has a
//! condition of its own for that. The conditions are sufficient, so an unreachable rate may go
//! unnoticed.

use crate::rate::Rate;
use crate::strategy::catalog::spec::Spec;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::window::Window;

/// Reports whether a rate never refuses a hit that the one beside it admits, for any client.
pub(super) fn never_refuses(spec: &Spec, rate: Rate, beside: Rate) -> bool {
    spec.clients().iter().all(|who| {
        let laws = (spec.law_of(beside, who), spec.law_of(rate, who));
        let (Ok(beside_law), Ok(law)) = laws else {
            return false;
        };
        let pair = Pair {
            spec,
            beside: (beside, beside_law),
            rate: (rate, law),
        };
        pair.holds()
    })
}

/// A rate, the one beside it, and their laws for one client.
struct Pair<'a> {
    spec: &'a Spec,
    beside: (Rate, Law),
    rate: (Rate, Law),
}

impl Pair<'_> {
    fn holds(&self) -> bool {
        match (&self.beside.1, &self.rate.1) {
            // A window of the rate overlaps this many of the one beside it. The client may have
            // been of any tier in those before the last.
            (Law::Window(beside), Law::Window(law)) => {
                let before = (self.windows() - 1) * wide(self.spec.largest_cost(&[self.beside.0]));
                before + wide(beside.max_cost()) <= wide(law.max_cost())
            }
            (Law::Rollover(beside), Law::Rollover(_)) => {
                // Carried units add to the admitted ones, and perhaps to the limit.
                self.windows() * wide(beside.max_cost()) <= self.limit()
            }
            (Law::Adaptive(beside), Law::Adaptive(_)) => {
                self.windows() * wide(beside.max_cost()) <= self.least_limit()
            }
            (Law::Hours(beside), Law::Hours(_)) => {
                // Windows of one length have equal factors.
                let same =
                    self.period() == self.period_beside() && self.limit_beside() <= self.limit();
                same || self.windows() * wide(beside.max_cost()) <= self.least_limit()
            }
            (Law::Counter(beside), Law::Counter(law)) => {
                self.counted(beside.tick() == law.tick()) <= self.limit()
            }
            // The stretch that ends with the hit is this many stretches of the one beside it, of
            // which only the last is bounded by this client's share.
            (Law::Log(beside), Law::Log(law)) => {
                let stretches = self.period().div_ceil(self.period_beside());
                let before = (stretches - 1) * self.limit_beside();
                before + wide(beside.max_cost()) <= wide(law.max_cost())
            }
            // After equal hits, the level that leaks at least as fast is never higher, if the ticks
            // are equal.
            (Law::Meter(beside), Law::Meter(law)) => {
                beside.max_cost() <= law.max_cost()
                    && self.limit_beside() * self.period() <= self.limit() * self.period_beside()
                    && beside.tick() == law.tick()
            }
            // The leak of a cost based bucket depends on when it was last empty, which differs.
            _ => false,
        }
    }

    /// Returns a bound of the weighted count of a sliding counter with a hit that the one beside it
    /// admits.
    ///
    /// If the windows beside divide those of this rate, let the hit come when j of them and a part
    /// e have passed. The current window then counts at most j·l. The previous one is weighted by
    /// the part that is still in sight, and the last l that either adds is bounded by the weighted
    /// count beside. The sum is at most the largest count of the previous window. If the windows of
    /// this rate divide those beside, the same hits are in sight there, with more weight. Otherwise
    /// both windows may be full.
    fn counted(&self, same_tick: bool) -> u128 {
        let (period, beside) = (self.period(), self.period_beside());
        let aligned = period.is_multiple_of(beside) || beside.is_multiple_of(period);
        let windows = if aligned && same_tick { 1 } else { 2 };
        windows * self.windows() * self.limit_beside()
    }

    fn windows(&self) -> u128 {
        let (period, beside) = (self.rate.0.period_micros(), self.beside.0.period_micros());
        wide(Window::overlapped(period, beside))
    }

    /// Returns the least limit: after all cuts, or at any time of day.
    fn least_limit(&self) -> u128 {
        let limit = self.rate.0.limit();
        let least = match self.spec {
            Spec::Adaptive(adaptive) => adaptive.tuning().least.of(limit),
            Spec::TimeOfDay(hours) => {
                let limits = hours.settings().0.iter().map(|rule| rule.factor.of(limit));
                limits.min().unwrap_or(limit).min(limit)
            }
            _ => limit,
        };
        wide(least)
    }

    fn limit(&self) -> u128 {
        wide(self.rate.0.limit())
    }

    fn limit_beside(&self) -> u128 {
        wide(self.beside.0.limit())
    }

    fn period(&self) -> u128 {
        wide(self.rate.0.period_micros())
    }

    fn period_beside(&self) -> u128 {
        wide(self.beside.0.period_micros())
    }
}

fn wide(number: u64) -> u128 {
    number.into()
}
