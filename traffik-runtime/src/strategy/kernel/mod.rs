//! The laws that strategies are, each written once, in integers.
//!
//! A kernel reads a state and gives back another; rules are numbered as in the design (L1 …), the sources of the algorithms
//! stand at each kernel. States of most are a few words, [`Packed`]; a log and a mean need more.

pub(crate) mod adaptive;
pub(crate) mod counter;
pub(crate) mod log;
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
pub use log::{Entries, Log};
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

/// A law whose states are a few words, for a store to work into its loop.
#[cfg(feature = "engine")]
pub(crate) trait Kernel {
    /// A state as of a moment.
    type Standing;

    fn standing(&self, state: &Packed, now: u64) -> Self::Standing;

    /// The state as one filled at `now`, if its own moment is more than a period ahead of the clock (L4).
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed>;

    /// Whether the law itself knows when a state ends. A law that may need a state of another rate for longer than that
    /// rate did is asked only about states that had not ended when it first saw them (L30).
    fn knows_end(&self, state: &Packed) -> bool {
        let _ = state;
        true
    }

    /// How things stand after a hit of this cost, and the state to keep of it, if the law admits it.
    fn admit(
        &self,
        standing: &Self::Standing,
        now: u64,
        cost: u64,
    ) -> Option<(Self::Standing, Packed)>;

    fn report(&self, standing: &Self::Standing, now: u64, cost: u64) -> Report;

    /// How long a hit of this cost, which led to this state, is held back before it may run.
    fn delay(&self, after: &Packed, now: u64, cost: u64) -> Duration {
        let _ = (after, now, cost);
        Duration::ZERO
    }
}

/// A law with its numbers worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Law {
    /// A count in windows aligned to the epoch.
    Window(Window),
    /// Two window counts, the older one weighted by how much of it is still in sight.
    Counter(Counter),
    /// A level that leaks.
    Meter(Meter),
    /// A count whose limit depends on the time of day.
    Hours(Hours),
    /// A count whose limit grows by what was not used.
    Rollover(Rollover),
    /// A count whose limit is cut under load.
    Adaptive(Adaptive),
    /// Every hit of the last period.
    Log(Log),
    /// A level whose leak depends on what hits cost.
    Mean(Mean),
    /// Everything is admitted, nothing is counted.
    Unlimited,
    /// Nothing is admitted, nothing is counted, and what was counted before stays as it is.
    Closed,
    /// A strategy of the user's own; the kernels know nothing of it.
    Custom,
}

impl Law {
    /// Whether its states are a few words.
    pub const fn is_packed(&self) -> bool {
        !matches!(
            self,
            Self::Log(_) | Self::Mean(_) | Self::Unlimited | Self::Closed | Self::Custom
        )
    }

    /// The state after a hit of this cost, which is at least 1, if the law admits it. A state of another law is none.
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

    /// The same for laws whose states are a few words; no others admit anything here.
    pub(crate) fn decide_packed(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        match self {
            Self::Window(law) => law.decide(state, now, cost),
            Self::Counter(law) => law.decide(state, now, cost),
            Self::Meter(law) => law.decide(state, now, cost),
            Self::Hours(law) => law.decide(state, now, cost),
            Self::Rollover(law) => law.decide(state, now, cost),
            Self::Adaptive(law) => law.decide(state, now, cost),
            Self::Log(_) | Self::Mean(_) | Self::Unlimited | Self::Closed | Self::Custom => None,
        }
    }

    /// The state as one filled at `now`, if its own moment is more than a period ahead of the clock: one that went far
    /// ahead and came back locks nobody out for longer than the law needs to empty (L4). `None` if the state stays.
    #[cfg(feature = "engine")]
    pub fn caught_up(&self, state: &State, now: u64) -> Option<State> {
        let packed = state.packed();
        let filled = match self {
            Self::Window(law) => law.caught_up(packed, now),
            Self::Counter(law) => law.caught_up(packed, now),
            Self::Meter(law) => law.caught_up(packed, now),
            Self::Hours(law) => law.caught_up(packed, now),
            Self::Rollover(law) => law.caught_up(packed, now),
            Self::Adaptive(law) => law.caught_up(packed, now),
            Self::Log(law) => return law.caught_up(state.entries(), now).map(State::Log),
            Self::Mean(law) => return law.caught_up(state.costs(), now).map(State::Mean),
            Self::Unlimited | Self::Closed | Self::Custom => None,
        };
        filled.map(State::Packed)
    }

    /// Whether the law admits a hit.
    pub(crate) fn admits(&self, state: &State, now: u64, cost: u64) -> bool {
        match self {
            Self::Log(law) => law.admits(state.entries(), now, cost),
            Self::Mean(law) => law.admits(state.costs(), now, cost),
            Self::Unlimited => true,
            _ => self.decide_packed(state.packed(), now, cost).is_some(),
        }
    }

    /// Counts a hit that the law admits, in place: what is long is not copied.
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

    /// Takes a cost, whether there is room or not: what is settled above a reserve (L32).
    #[cfg(feature = "engine")]
    pub(crate) fn charge(&self, state: &mut State, now: u64, cost: u64) {
        let packed = state.packed();
        *state = State::Packed(match self {
            Self::Window(law) => law.charge(packed, now, cost),
            Self::Counter(law) => law.charge(packed, now, cost),
            Self::Meter(law) => law.charge(packed, now, cost),
            Self::Hours(law) => law.charge(packed, now, cost),
            Self::Rollover(law) => law.charge(packed, now, cost),
            Self::Adaptive(law) => law.charge(packed, now, cost),
            Self::Log(law) => return law.count(state.entries_mut(), now, cost),
            Self::Mean(law) => return law.count(state.costs_mut(), now, cost),
            Self::Unlimited | Self::Closed | Self::Custom => return,
        });
    }

    /// Whether the law itself knows when a state of a few words ends: all do of their own rate's states, and those of
    /// windows whatever the rate.
    #[cfg(feature = "engine")]
    pub(crate) fn knows_end(&self, state: &Packed) -> bool {
        match self {
            Self::Meter(law) => law.knows_end(state),
            _ => true,
        }
    }

    /// What the law says of a state, and how long a hit of this cost would wait.
    pub fn report(&self, state: &State, now: u64, cost: u64) -> Report {
        let packed = state.packed();
        match self {
            Self::Window(law) => law.report(packed, now, cost),
            Self::Counter(law) => law.report(packed, now, cost),
            Self::Meter(law) => law.report(packed, now, cost),
            Self::Hours(law) => law.report(packed, now, cost),
            Self::Rollover(law) => law.report(packed, now, cost),
            Self::Adaptive(law) => law.report(packed, now, cost),
            Self::Log(law) => law.report(state.entries(), now, cost),
            Self::Mean(law) => law.report(state.costs(), now, cost),
            Self::Unlimited => Report::UNLIMITED,
            Self::Closed => Report {
                wait: (cost == 0).then_some(Duration::ZERO),
                ..Report::default()
            },
            Self::Custom => Report::default(),
        }
    }

    /// How long a hit of this cost, which led to this state, is held back before it may run.
    pub fn delay(&self, after: &State, now: u64, cost: u64) -> Duration {
        match self {
            Self::Meter(law) => law.delay(after.packed(), now, cost),
            _ => Duration::ZERO,
        }
    }

    /// Returns the units of cost after which a client that was never seen is at its limit.
    #[cfg(feature = "engine")]
    pub(crate) fn capacity(&self, now: u64) -> u64 {
        match self {
            // Without its carry, which depends on what the client left unused.
            Self::Rollover(law) => law.nominal(),
            law => law.report(State::nothing(), now, 0).limit,
        }
    }

    /// A meter's level in units of cost, at a time; of other laws 0.
    pub fn level(&self, state: &State, now: u64) -> f64 {
        match self {
            Self::Meter(law) => law.level(state.packed(), now),
            _ => 0.0,
        }
    }

    /// The number of its kernel's twin in Lua; none is 0.
    #[cfg(feature = "redis")]
    pub(crate) const fn kernel(&self) -> u8 {
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

    /// What the kernel's twin in Lua is told: numbers, and pairs of them.
    #[cfg(feature = "redis")]
    pub(crate) fn numbers(&self) -> (Vec<u64>, Vec<(u64, u64)>) {
        let numbers = match self {
            Self::Window(law) => law.numbers(),
            Self::Counter(law) => law.numbers(),
            Self::Meter(law) => law.numbers(),
            Self::Rollover(law) => law.numbers(),
            Self::Adaptive(law) => law.numbers(),
            Self::Log(law) => law.numbers(),
            Self::Mean(law) => law.numbers(),
            Self::Hours(law) => return law.numbers(),
            Self::Unlimited | Self::Closed | Self::Custom => Vec::new(),
        };
        (numbers, Vec::new())
    }

    /// How many records its states may come to hold.
    #[cfg(any(feature = "memcached", feature = "redis"))]
    pub(crate) const fn longest(&self) -> u64 {
        match self {
            Self::Log(law) => law.longest(),
            Self::Mean(law) => law.longest(),
            _ => 0,
        }
    }

    /// Returns the limit that header fields give beside a report of this law: the one in force where
    /// the client's tier or the time of day sets it, otherwise the rate's own.
    #[cfg(feature = "engine")]
    pub(crate) fn quota(&self, rate: Rate, report: &Report) -> u64 {
        match self {
            Self::Window(_) | Self::Hours(_) => report.limit,
            _ => rate.limit(),
        }
    }

    /// The largest cost the law can ever admit (L9).
    pub fn max_cost(&self) -> u64 {
        match self {
            Self::Window(law) => law.max_cost(),
            Self::Counter(law) => law.max_cost(),
            Self::Meter(law) => law.max_cost(),
            Self::Hours(law) => law.max_cost(),
            Self::Rollover(law) => law.max_cost(),
            Self::Adaptive(law) => law.max_cost(),
            Self::Log(law) => law.max_cost(),
            Self::Mean(law) => law.max_cost(),
            Self::Closed => 0,
            Self::Unlimited | Self::Custom => u64::MAX,
        }
    }
}
