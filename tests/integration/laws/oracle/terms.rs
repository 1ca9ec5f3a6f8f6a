//! A law with its numbers: the rate, the parameters, and the tick in which they are counted (L3).

use traffik::{Priority, Rate};

use super::Int;

/// Smaller integers are exact on every backend.
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
    LeakyBucket {
        capacity: Option<u64>,
    },
    LeakyBucketWithQueue {
        size: Option<u64>,
    },
    SlidingLog,
    /// The shares are millionths, from the lowest priority to the highest.
    Priority {
        shares: [u64; 4],
        who: Priority,
    },
    /// The multipliers of [`TIERS`] are millionths; the first is the default.
    Tiered {
        multipliers: [u64; 3],
        who: Option<&'static str>,
    },
    /// The offset is in minutes.
    TimeOfDay {
        rules: [Option<Rule>; 3],
        offset: i16,
    },
    /// Millionths of a percent, and units.
    QuotaWithRollover {
        percent: u64,
        max: u64,
    },
    Adaptive(Adaptive),
    /// The least factor is in thousandths.
    CostBasedTokenBucket {
        burst: Option<u64>,
        window: u32,
        min_refill: u64,
    },
}

/// The tiers of a tiered law.
pub(crate) const TIERS: [&str; 3] = ["free", "premium", "vip"];

/// A part of the day in local minutes, and its factor in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) start: u16,
    pub(crate) end: u16,
    pub(crate) factor: u64,
}

/// An adaptive law's parameters in millionths, and its signal if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Adaptive {
    pub(crate) threshold: u64,
    pub(crate) reduction: u64,
    pub(crate) recovery: u64,
    pub(crate) min: u64,
    pub(crate) load: Option<u64>,
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

    /// The tick in microseconds: the smallest power of ten that divides all durations and keeps the
    /// largest number exact.
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
            Law::SlidingCounter => self.limit * period,
            Law::TokenBucket { .. }
            | Law::LeakyBucket { .. }
            | Law::LeakyBucketWithQueue { .. } => {
                self.capacity() * (period / gcd(self.limit, period))
            }
            Law::CostBasedTokenBucket { .. } => {
                self.capacity() * (1_000 * period / gcd(self.limit, 1_000 * period))
            }
            Law::Gcra { tolerance } => {
                (Int::from(tolerance) / tick + period) * (self.limit / gcd(self.limit, period))
            }
            _ => 0,
        }
    }

    /// Reports that such a throttle can be built.
    pub(crate) fn exist(&self) -> bool {
        let sensible = match self.law {
            Law::Tiered { multipliers, .. } => multipliers
                .iter()
                .all(|share| (1..=EXACT).contains(&self.part(*share))),
            Law::TimeOfDay { rules, .. } => {
                let rules: Vec<_> = rules.into_iter().flatten().collect();
                let exact = |rule: &Rule| self.part(rule.factor) <= EXACT;
                rules.iter().all(exact)
                    && (0..rules.len()).all(|place| {
                        let first = |minute| rules.iter().position(|rule| rule.holds(minute));
                        (0..24 * 60).any(|minute| first(minute) == Some(place))
                    })
            }
            Law::QuotaWithRollover { .. } => self.limit + self.carry(0) <= EXACT,
            _ => true,
        };
        sensible && self.tick().is_some()
    }

    /// This many millionths of L (L5).
    pub(crate) fn part(&self, millionths: u64) -> Int {
        self.limit * Int::from(millionths) / 1_000_000
    }

    /// The factor of a window with this start, in millionths (L19).
    pub(crate) fn factor(&self, start: Int) -> u64 {
        let Law::TimeOfDay { rules, .. } = self.law else {
            panic!("other laws have no factors");
        };
        let minute = self.local_minutes(start) % (24 * 60);
        let minute = u16::try_from(minute).expect("a day is short");
        let mut rules = rules.into_iter().flatten();
        let rule = rules.find(|rule| rule.holds(minute));
        rule.map_or(1_000_000, |rule| rule.factor)
    }

    /// Minutes in local time, of which days are whole multiples of 1440.
    pub(crate) fn local_minutes(&self, at: Int) -> Int {
        let Law::TimeOfDay { offset, .. } = self.law else {
            panic!("other laws have no local time");
        };
        at / 60_000_000 + Int::from(offset) + 24 * 60
    }

    /// The units that a window carries over after this usage of the previous one (L20).
    pub(crate) fn carry(&self, usage: Int) -> Int {
        let Law::QuotaWithRollover { percent, max } = self.law else {
            panic!("other laws carry nothing over");
        };
        let unused = (self.limit - usage).max(0);
        Int::from(max).min(unused * Int::from(percent) / 100_000_000)
    }

    /// The largest count or level of a state, in units of cost (L31).
    pub(super) fn largest_count(&self, tick: Int) -> Int {
        let period = self.period / tick;
        let factor = match self.law {
            Law::SlidingCounter => period,
            Law::TokenBucket { .. }
            | Law::Gcra { .. }
            | Law::LeakyBucket { .. }
            | Law::LeakyBucketWithQueue { .. } => period / gcd(self.limit, period),
            Law::CostBasedTokenBucket { .. } => 1_000 * period / gcd(self.limit, 1_000 * period),
            _ => 1,
        };
        EXACT / factor
    }

    /// The capacity of a meter, with a token bucket's overdraft.
    pub(crate) fn capacity(&self) -> Int {
        match self.law {
            Law::TokenBucket { burst, debt } => self.burst(burst) + Int::from(debt),
            Law::LeakyBucket { capacity: own }
            | Law::LeakyBucketWithQueue { size: own }
            | Law::CostBasedTokenBucket { burst: own, .. } => self.burst(own),
            _ => self.limit,
        }
    }

    pub(crate) fn burst(&self, burst: Option<u64>) -> Int {
        burst.map_or(self.limit, Int::from)
    }
}

impl Rule {
    /// Reports that a minute of the day is within the rule.
    fn holds(&self, minute: u16) -> bool {
        const DAY: u16 = 24 * 60;
        let lasts = match self.end.checked_sub(self.start) {
            Some(minutes) => minutes,
            None => self.end + DAY - self.start,
        };
        (minute + DAY - self.start) % DAY < lasts
    }
}

fn gcd(a: Int, b: Int) -> Int {
    if b == 0 { a } else { gcd(b, a % b) }
}
