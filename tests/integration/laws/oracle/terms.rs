//! A law with its numbers: the rate, the parameters, and the tick they are counted in (L3).

use traffik::Rate;

use super::Int;

/// Below this, numbers are exact on every backend.
const EXACT: Int = 1 << 53;

/// A strategy and its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Law {
    FixedWindow,
    SlidingCounter,
    TokenBucket {
        burst: Option<u64>,
        debt: u64,
    },
    /// The tolerance is in microseconds.
    Gcra {
        tolerance: u64,
    },
}

/// A law at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) law: Law,
    /// L.
    pub(crate) limit: Int,
    /// W, in microseconds.
    pub(crate) period: Int,
}

impl Terms {
    pub(crate) fn new(law: Law, rate: Rate) -> Self {
        Self {
            law,
            limit: rate.limit().into(),
            period: rate.period_micros().into(),
        }
    }

    /// The tick in microseconds: the smallest power of ten that divides all durations and keeps the largest number exact.
    pub(crate) fn tick(&self) -> Option<Int> {
        let ticks = (0..=6).map(|power| 10_i128.pow(power));
        let mut whole = ticks.filter(|tick| {
            let tolerance = match self.law {
                Law::Gcra { tolerance } => tolerance.into(),
                _ => 0,
            };
            self.period % tick == 0 && tolerance % tick == 0
        });
        whole.find(|tick| self.largest_number(*tick) <= EXACT)
    }

    /// The largest number that the law counts to in this tick (L3).
    fn largest_number(&self, tick: Int) -> Int {
        let period = self.period / tick;
        match self.law {
            Law::FixedWindow => 0,
            Law::SlidingCounter => self.limit * period,
            Law::TokenBucket { .. } => self.capacity() * (period / gcd(self.limit, period)),
            Law::Gcra { tolerance } => {
                (Int::from(tolerance) / tick + period) * (self.limit / gcd(self.limit, period))
            }
        }
    }

    /// The largest count or level, in units of cost, that a state is taken to hold (L31).
    pub(super) fn most_held(&self, tick: Int) -> Int {
        let period = self.period / tick;
        let factor = match self.law {
            Law::FixedWindow => 1,
            Law::SlidingCounter => period,
            Law::TokenBucket { .. } | Law::Gcra { .. } => period / gcd(self.limit, period),
        };
        EXACT / factor
    }

    /// What a token bucket holds with its overdraft.
    pub(crate) fn capacity(&self) -> Int {
        match self.law {
            Law::TokenBucket { burst, debt } => self.burst(burst) + Int::from(debt),
            _ => self.limit,
        }
    }

    pub(crate) fn burst(&self, burst: Option<u64>) -> Int {
        burst.map_or(self.limit, Int::from)
    }
}

fn gcd(a: Int, b: Int) -> Int {
    if b == 0 { a } else { gcd(b, a % b) }
}
