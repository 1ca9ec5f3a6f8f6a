//! Whether one rate of a list can ever be the one that refuses.
//!
//! All rates of a list see the same hits, those that every one of them admits. So one never decides beside another if it
//! never refuses what the other admits. Each law has a reason of its own for that; where none is known to hold, the answer
//! is no.

use crate::rate::Rate;
use crate::strategy::catalog::spec::Spec;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::window::Window;

/// Whether a rate never refuses a hit that the one beside it admits, whoever sends it.
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
            // A window of the rate meets so many of the one beside it. The client may have been of any tier in those before
            // the last.
            (Law::Window(beside), Law::Window(law)) => {
                let before = (self.windows() - 1) * wide(self.spec.largest_cost(&[self.beside.0]));
                before + wide(beside.max_cost()) <= wide(law.max_cost())
            }
            (Law::Rollover(beside), Law::Rollover(_)) => {
                // What is carried over comes on top of what is let through, and perhaps of what is allowed.
                self.windows() * wide(beside.max_cost()) <= self.limit()
            }
            (Law::Adaptive(beside), Law::Adaptive(_)) => {
                self.windows() * wide(beside.max_cost()) <= self.least_limit()
            }
            (Law::Hours(beside), Law::Hours(_)) => {
                // Windows of the same length have the same factor.
                let same =
                    self.period() == self.period_beside() && self.limit_beside() <= self.limit();
                same || self.windows() * wide(beside.max_cost()) <= self.least_limit()
            }
            (Law::Counter(beside), Law::Counter(law)) => {
                self.counted(beside.tick() == law.tick()) <= self.limit()
            }
            // The stretch that ends with the hit is so many stretches of the one beside it, of which only the last is
            // held to this client's share.
            (Law::Log(beside), Law::Log(law)) => {
                let stretches = self.period().div_ceil(self.period_beside());
                let before = (stretches - 1) * self.limit_beside();
                before + wide(beside.max_cost()) <= wide(law.max_cost())
            }
            // After the same hits, the level that leaks no more slowly is never higher. That needs the same ticks.
            (Law::Meter(beside), Law::Meter(law)) => {
                beside.max_cost() <= law.max_cost()
                    && self.limit_beside() * self.period() <= self.limit() * self.period_beside()
                    && beside.tick() == law.tick()
            }
            // How fast a cost based bucket leaks depends on when it was last empty, which no two agree on.
            _ => false,
        }
    }

    /// The most that the weighted count of a sliding counter comes to, with a hit that the one beside it admits.
    ///
    /// If the one beside it has windows that divide this one's, let the hit come when j of them and a part e are over. The
    /// current window then holds at most j·l, the previous one is weighted by what is still in sight of it, and the last of
    /// the l each that either adds is bound by the weighted count beside: together no more than what the previous window
    /// held at most. If this one's windows divide those beside, the same hits are in sight there, with more weight. Else
    /// both windows may be full.
    fn counted(&self, same_tick: bool) -> u128 {
        let (period, beside) = (self.period(), self.period_beside());
        let aligned = period.is_multiple_of(beside) || beside.is_multiple_of(period);
        let windows = if aligned && same_tick { 1 } else { 2 };
        windows * self.windows() * self.limit_beside()
    }

    fn windows(&self) -> u128 {
        let (period, beside) = (self.rate.0.period_micros(), self.beside.0.period_micros());
        wide(Window::met(period, beside))
    }

    /// The least that the limit can be cut to, or the time of day can leave of it.
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
