//! The laws that strategies are made of, each written once, in integers.
//!
//! A kernel reads a state and returns another one. Rules of the laws are numbered as in the chapter
//! on laws of the guide (L1 …); the sources of the algorithms stand at each kernel. The states of
//! most kernels are a few words, [`Packed`]; a log and a mean need more.

pub(crate) mod adaptive;
pub(crate) mod by_kind;
pub(crate) mod contract;
pub(crate) mod counter;
pub(crate) mod log;
pub(crate) mod log_entries;
pub(crate) mod mean_cost;
pub(crate) mod meter;
pub(crate) mod packed;
pub(crate) mod reciprocal;
#[cfg(feature = "engine")]
pub(crate) mod refund;
pub(crate) mod rollover;
pub(crate) mod schedule;
pub(crate) mod state;
pub(crate) mod tick;
pub(crate) mod window;

pub use adaptive::{Adaptive, Tuning};
pub use counter::Counter;
pub use log::Log;
pub use log_entries::Entries;
pub use mean_cost::{Costs, Mean};
pub use meter::{Meter, Need};
pub use packed::{Kind, Packed};
pub use rollover::Rollover;
pub use schedule::{Hours, Rule};
pub use state::{Listed, State};
pub use tick::EXACT;
pub use window::Window;

use std::time::Duration;

use crate::decision::Report;
#[cfg(feature = "engine")]
use crate::rate::Rate;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::contract::Kernel as _;

/// Matches a law: with one expression for each kernel whose states are packed, and with arms for
/// the laws that are left. The kernels share their methods by [`Kernel`].
macro_rules! match_packed {
    ($law:expr, $kernel:ident => $value:expr, $($arms:tt)+) => {
        match $law {
            Law::Window($kernel) => $value,
            Law::Counter($kernel) => $value,
            Law::Meter($kernel) => $value,
            Law::Hours($kernel) => $value,
            Law::Rollover($kernel) => $value,
            Law::Adaptive($kernel) => $value,
            $($arms)+
        }
    };
}

/// Matches a law: with one expression for each kernel, and with arms for the laws without one.
macro_rules! match_kernel {
    ($law:expr, $kernel:ident => $value:expr, $($arms:tt)+) => {
        match_packed!($law, $kernel => $value,
            Law::Log($kernel) => $value,
            Law::Mean($kernel) => $value,
            $($arms)+
        )
    };
}

/// A law with its numbers computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Law {
    /// A count in windows aligned to the epoch.
    Window(Window),
    /// Two window counts, the older one weighted by the part of it that is still in sight.
    Counter(Counter),
    /// A level that leaks.
    Meter(Meter),
    /// A count whose limit depends on the time of day.
    Hours(Hours),
    /// A count whose limit grows by a part of what was left unused.
    Rollover(Rollover),
    /// A count whose limit is cut under load.
    Adaptive(Adaptive),
    /// Every hit of the last period.
    Log(Log),
    /// A level whose leak depends on the cost of hits.
    Mean(Mean),
    /// No limit: everything is admitted, and nothing is counted.
    Unlimited,
    /// No room: nothing is admitted or counted, and earlier counts stay.
    Closed,
    /// A custom strategy, which has no kernel.
    Custom,
}

impl Law {
    /// Makes the law of a meter, for the constants of the macros, which have checked the rate.
    ///
    /// # Panics
    ///
    /// If the strategy has no law for the rate.
    pub(super) const fn of_meter(meter: Result<Meter, StrategyError>) -> Self {
        match meter {
            Ok(meter) => Self::Meter(meter),
            Err(_) => panic!("the strategy has no law for this rate"),
        }
    }

    /// Makes the law of a sliding counter, as [`of_meter`](Self::of_meter) does.
    pub(super) const fn of_counter(counter: Result<Counter, StrategyError>) -> Self {
        match counter {
            Ok(counter) => Self::Counter(counter),
            Err(_) => panic!("the strategy has no law for this rate"),
        }
    }

    /// Reports whether its states are packed.
    pub const fn is_packed(&self) -> bool {
        !matches!(
            self,
            Self::Log(_) | Self::Mean(_) | Self::Unlimited | Self::Closed | Self::Custom
        )
    }

    /// Returns the state after a hit of this cost, at least 1, if the law admits it. A state of
    /// another law counts as none.
    pub fn decide(&self, state: &State, now: u64, cost: u64) -> Option<State> {
        if self.is_packed() {
            let after = self.decide_packed(state.packed(), now, cost);
            return after.map(State::Packed);
        }
        self.admits(state, now, cost).then(|| {
            let mut after = state.clone();
            self.count(&mut after, now, cost);
            after
        })
    }

    /// Returns the packed state after a hit of this cost, if the law admits it and its states are
    /// packed.
    pub(crate) fn decide_packed(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        match_packed!(self, kernel => kernel.decide(state, now, cost),
            Self::Log(_) | Self::Mean(_) | Self::Unlimited | Self::Closed | Self::Custom => None,
        )
    }

    /// Returns a full state at `now` if the given one is more than a period ahead of the clock: a
    /// clock that went far ahead and came back refuses clients for no longer than the law needs to
    /// empty (L4). `None` if the state stays.
    #[cfg(feature = "engine")]
    pub fn caught_up(&self, state: &State, now: u64) -> Option<State> {
        match_packed!(self, kernel => kernel.caught_up(state.packed(), now).map(State::Packed),
            Self::Log(law) => law.caught_up(state.entries(), now).map(State::Log),
            Self::Mean(law) => law.caught_up(state.costs(), now).map(State::Mean),
            Self::Unlimited | Self::Closed | Self::Custom => None,
        )
    }

    /// Reports whether the law admits a hit.
    pub(crate) fn admits(&self, state: &State, now: u64, cost: u64) -> bool {
        match_packed!(self, kernel => kernel.decide(state.packed(), now, cost).is_some(),
            Self::Log(law) => law.admits(state.entries(), now, cost),
            Self::Mean(law) => law.admits(state.costs(), now, cost),
            Self::Unlimited => true,
            Self::Closed | Self::Custom => false,
        )
    }

    /// Counts a hit that the law admits, in place, so that long states are not copied.
    pub(crate) fn count(&self, state: &mut State, now: u64, cost: u64) {
        match self {
            Self::Log(law) => law.count(state.entries_mut(), now, cost),
            Self::Mean(law) => law.count(state.costs_mut(), now, cost),
            _ => {
                if let Some(after) = self.decide_packed(state.packed(), now, cost) {
                    *state = State::Packed(after);
                }
            }
        }
    }

    /// Counts a hit of this cost in a packed state, if the law admits it and its states are packed,
    /// and reports on the state after it, with the hit's delay.
    #[cfg(feature = "engine")]
    pub(crate) fn hit_packed(&self, state: &mut Packed, now: u64, cost: u64) -> Option<Report> {
        match_packed!(self, kernel => kernel.hit(state, now, cost),
            Self::Log(_) | Self::Mean(_) | Self::Unlimited | Self::Closed | Self::Custom => None,
        )
    }

    /// Counts a hit that the law admits, in place, and reports on the state after it, with the
    /// hit's delay.
    #[cfg(feature = "engine")]
    #[inline]
    pub(crate) fn hit(&self, state: &mut State, now: u64, cost: u64) -> Report {
        if let State::Packed(packed) = state
            && let Some(report) = self.hit_packed(packed, now, cost)
        {
            return report;
        }
        self.count(state, now, cost);
        Report {
            delay: self.delay(state, now, cost),
            ..self.report(state, now, 0)
        }
    }

    /// Counts a cost, whether there is room for it or not: the part of a settlement above its
    /// reservation (L32).
    #[cfg(feature = "engine")]
    pub(crate) fn charge(&self, state: &mut State, now: u64, cost: u64) {
        match_packed!(self,
            kernel => *state = State::Packed(kernel.charge(state.packed(), now, cost)),
            Self::Log(law) => law.count(state.entries_mut(), now, cost),
            Self::Mean(law) => law.count(state.costs_mut(), now, cost),
            Self::Unlimited | Self::Closed | Self::Custom => {}
        );
    }

    /// Reports whether the law can tell when a packed state ends. All laws can for states of their
    /// own rate, and laws of windows for those of any rate.
    #[cfg(feature = "engine")]
    pub(crate) fn knows_end(&self, state: &Packed) -> bool {
        match self {
            Self::Meter(law) => law.knows_end(state),
            _ => true,
        }
    }

    /// Reports how much remains, and how long a hit of this cost would wait.
    pub fn report(&self, state: &State, now: u64, cost: u64) -> Report {
        match_packed!(self, kernel => kernel.report_on(state.packed(), now, cost),
            Self::Log(law) => law.report(state.entries(), now, cost),
            Self::Mean(law) => law.report(state.costs(), now, cost),
            Self::Unlimited => Report::UNLIMITED,
            Self::Closed => Report {
                wait: (cost == 0).then_some(Duration::ZERO),
                ..Report::default()
            },
            Self::Custom => Report::default(),
        )
    }

    /// Reports on a packed state as [`report`](Self::report) does; a law whose states are not
    /// packed has nothing to report.
    #[cfg(feature = "engine")]
    pub(crate) fn report_packed(&self, state: &Packed, now: u64, cost: u64) -> Report {
        match_packed!(self, kernel => kernel.report_on(state, now, cost),
            Self::Log(_) | Self::Mean(_) | Self::Unlimited | Self::Closed | Self::Custom => {
                Report::default()
            }
        )
    }

    /// Reports on the packed state after an admitted hit of this cost, with the hit's delay.
    #[cfg(feature = "engine")]
    pub(crate) fn admitted_report(&self, after: &Packed, now: u64, cost: u64) -> Report {
        let mut report = self.report_packed(after, now, 0);
        if let Self::Meter(law) = self {
            report.delay = law.delay(after, now, cost);
        }
        report
    }

    /// Returns the delay of a hit of this cost that led to this state.
    pub fn delay(&self, after: &State, now: u64, cost: u64) -> Duration {
        match self {
            Self::Meter(law) => law.delay(after.packed(), now, cost),
            _ => Duration::ZERO,
        }
    }

    /// Returns the units of cost after which a new client is at its limit.
    #[cfg(feature = "engine")]
    pub(crate) fn capacity(&self, now: u64) -> u64 {
        match self {
            // Without its carry, which depends on what the client left unused.
            Self::Rollover(law) => law.nominal(),
            law => law.report(State::nothing(), now, 0).limit,
        }
    }

    /// Returns a meter's level in units of cost at `now`; 0 for other laws.
    pub fn level(&self, state: &State, now: u64) -> f64 {
        match self {
            Self::Meter(law) => law.level(state.packed(), now),
            _ => 0.0,
        }
    }

    /// Returns the number of its kernel's twin in Lua; 0 for none.
    #[cfg(feature = "redis")]
    pub(crate) const fn script_number(&self) -> u8 {
        match self {
            Self::Window(_) => 1,
            Self::Counter(_) => 2,
            Self::Meter(_) => 3,
            Self::Rollover(_) => 4,
            Self::Adaptive(_) => 5,
            Self::Log(_) => 6,
            Self::Mean(_) => 7,
            Self::Hours(_) => 8,
            Self::Unlimited | Self::Closed | Self::Custom => 0,
        }
    }

    /// Returns the arguments of the kernel's twin in Lua: numbers, and pairs of them.
    #[cfg(feature = "redis")]
    pub(crate) fn numbers(&self) -> (Vec<u64>, Vec<(u64, u64)>) {
        let numbers = match_kernel!(self, kernel => kernel.numbers(),
            Self::Unlimited | Self::Closed | Self::Custom => Vec::new(),
        );
        let pairs = match self {
            Self::Hours(law) => law.pairs(),
            _ => Vec::new(),
        };
        (numbers, pairs)
    }

    /// Returns the largest number of records of its states.
    #[cfg(any(feature = "memcached", feature = "redis"))]
    pub(crate) const fn max_records(&self) -> u64 {
        match self {
            Self::Log(law) => law.max_records(),
            Self::Mean(law) => law.max_records(),
            _ => 0,
        }
    }

    /// Reports whether units can be leased: hits can be admitted before they come, and a refund of
    /// those that do not come leaves no trace.
    #[cfg(feature = "engine")]
    pub(crate) const fn is_leasable(&self) -> bool {
        match self {
            Self::Window(_)
            | Self::Counter(_)
            | Self::Hours(_)
            | Self::Rollover(_)
            | Self::Log(_) => true,
            Self::Meter(law) => !law.queues(),
            Self::Adaptive(_) | Self::Mean(_) | Self::Unlimited | Self::Closed | Self::Custom => {
                false
            }
        }
    }

    /// Returns the law that admits a lease: a hit of these units where this law admits as many hits
    /// of cost 1. `None` if that is never so.
    #[cfg(feature = "engine")]
    pub(crate) fn for_lease(&self, units: u64) -> Option<Self> {
        if units > self.max_cost() {
            return None;
        }
        match self {
            Self::Meter(law) => law.for_lease(units).map(Self::Meter),
            law => Some(law.clone()),
        }
    }

    /// Returns the limit that header fields give beside a report of this law: the one in force
    /// where the client's tier or the time of day sets it, otherwise the rate's own.
    #[cfg(feature = "engine")]
    pub(crate) fn quota(&self, rate: Rate, report: &Report) -> u64 {
        match self {
            Self::Window(_) | Self::Hours(_) => report.limit,
            _ => rate.limit(),
        }
    }

    /// Returns the largest cost that the law can ever admit (L9).
    pub fn max_cost(&self) -> u64 {
        match_kernel!(self, kernel => kernel.max_cost(),
            Self::Closed => 0,
            Self::Unlimited | Self::Custom => u64::MAX,
        )
    }
}
