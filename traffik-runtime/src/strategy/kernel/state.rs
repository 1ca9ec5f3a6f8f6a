//! States: the value that a store holds for one client of one throttle.

use serde::{Deserialize, Serialize};

#[cfg(feature = "engine")]
use crate::rate::Rate;
use crate::strategy::kernel::log_entries::Entries;
use crate::strategy::kernel::mean_cost::Costs;
use crate::strategy::kernel::packed::Packed;
#[cfg(feature = "engine")]
use crate::strategy::kernel::refund::Refund;

/// The value that a store holds for one client of one throttle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// A few words; by default, nothing.
    Packed(Packed),
    /// The state of a log.
    Log(Entries),
    /// The state of a meter with a mean.
    Mean(Costs),
    /// The state of a custom strategy, as `MessagePack`; `None` for a new client.
    Bytes(Option<Vec<u8>>),
    /// The states of several rates of one throttle, in the order of the list.
    List(Vec<Listed>),
}

/// The state of one of several rates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The limit of the rate it was written under.
    pub limit: u64,
    /// The period of that rate, in microseconds.
    pub period: u64,
    /// The state under that rate.
    pub state: State,
    /// The microsecond up to which a refusal under another rate has lengthened its life (L30), or
    /// 0.
    pub until: u64,
    /// A number that tells it from a state that came before or after it, for refunds (L32); 0
    /// before it has one.
    pub incarnation: u64,
}

impl Listed {
    /// Makes a state that is written under a rate.
    #[cfg(feature = "engine")]
    pub(crate) const fn new(rate: Rate, state: State) -> Self {
        Self {
            limit: rate.limit(),
            period: rate.period_micros(),
            state,
            until: 0,
            incarnation: 0,
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self::Packed(NOTHING)
    }
}

static NO_ENTRIES: Entries = Entries::NONE;
static NO_COSTS: Costs = Costs::NONE;
const NOTHING: Packed = Packed::NOTHING;

impl State {
    /// Returns the state of a new client, for every law.
    #[cfg(feature = "engine")]
    pub(crate) fn nothing() -> &'static Self {
        static NO_STATE: State = State::Packed(NOTHING);
        &NO_STATE
    }

    /// Numbers those states of a list that have no number yet.
    #[cfg(feature = "engine")]
    pub(crate) fn set_missing_incarnations(&mut self, next: impl FnOnce() -> u64) {
        if let Self::List(list) = self
            && list.iter().any(|listed| listed.incarnation == 0)
        {
            let incarnation = next();
            for listed in list.iter_mut().filter(|listed| listed.incarnation == 0) {
                listed.incarnation = incarnation;
            }
        }
    }

    /// Returns the bytes of a custom strategy's state.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => bytes.as_deref(),
            _ => None,
        }
    }

    pub(crate) const fn packed(&self) -> &Packed {
        match self {
            Self::Packed(packed) => packed,
            _ => &NOTHING,
        }
    }

    pub(crate) const fn entries(&self) -> &Entries {
        match self {
            Self::Log(entries) => entries,
            _ => &NO_ENTRIES,
        }
    }

    pub(crate) const fn costs(&self) -> &Costs {
        match self {
            Self::Mean(costs) => costs,
            _ => &NO_COSTS,
        }
    }

    /// Returns the time from which it counts. The clock stands still there until it has caught up
    /// (L4).
    #[cfg(feature = "engine")]
    pub(crate) fn moment(&self) -> u64 {
        match self {
            Self::Packed(packed) => packed.at,
            Self::Log(entries) => entries.iter().next_back().map_or(0, |(at, _)| at),
            Self::Mean(costs) => costs.numbers().0.1,
            Self::Bytes(_) => 0,
            Self::List(list) => {
                let moments = list.iter().map(|listed| listed.state.moment());
                moments.max().unwrap_or(0)
            }
        }
    }

    /// Returns the number of entries of its logs.
    #[cfg(feature = "engine")]
    pub(crate) fn records(&self) -> usize {
        match self {
            Self::Log(entries) => entries.len(),
            Self::List(list) => list.iter().map(|listed| listed.state.records()).sum(),
            Self::Packed(_) | Self::Mean(_) | Self::Bytes(_) => 0,
        }
    }

    /// Returns the microsecond from which it decides like no state; 0 for the state of a custom
    /// strategy, which does not tell.
    #[cfg(feature = "engine")]
    pub(crate) fn expires(&self) -> u64 {
        match self {
            Self::Packed(packed) => packed.expires(),
            Self::Mean(costs) => costs.expires(),
            Self::Log(entries) => entries.expires(),
            Self::Bytes(_) => 0,
            Self::List(list) => {
                let ends = list.iter();
                let ends = ends.map(|listed| listed.state.expires().max(listed.until));
                ends.max().unwrap_or(0)
            }
        }
    }

    /// Returns the entries to write to. Another state becomes an empty log.
    pub(super) fn entries_mut(&mut self) -> &mut Entries {
        if !matches!(self, Self::Log(_)) {
            *self = Self::Log(Entries::NONE);
        }
        match self {
            Self::Log(entries) => entries,
            _ => unreachable!("it has just become a log"),
        }
    }

    /// Returns the costs to write to. Another state becomes one without costs.
    pub(super) fn costs_mut(&mut self) -> &mut Costs {
        if !matches!(self, Self::Mean(_)) {
            *self = Self::Mean(Costs::NONE);
        }
        match self {
            Self::Mean(costs) => costs,
            _ => unreachable!("it has just got a mean"),
        }
    }

    /// Refunds a hit that was admitted under these rates, at the later microsecond `now`, and
    /// reports whether that changed this state of one rate.
    ///
    /// A state that is gone stays gone, and a custom strategy refunds its own states. A state of
    /// another period may never have counted the hit, so it stays too.
    #[cfg(feature = "engine")]
    pub(crate) fn refund(&mut self, refund: Refund, rates: &[Rate], now: u64) -> bool {
        match self {
            Self::Packed(packed) => {
                let limit = limit_of(rates, packed.period);
                let after = limit.and_then(|limit| refund.apply_to(limit, packed, now));
                let changes = after.is_some_and(|after| after != *packed);
                *packed = after.unwrap_or(*packed);
                changes
            }
            Self::Log(entries) => entries.refund(refund.at, refund.cost),
            Self::Mean(costs) => {
                let limit = limit_of(rates, costs.period());
                limit.is_some_and(|limit| costs.refund(refund, limit, now))
            }
            Self::Bytes(_) | Self::List(_) => false,
        }
    }
}

/// Returns the largest limit among the rates of a period, if there are any.
#[cfg(feature = "engine")]
fn limit_of(rates: &[Rate], period: u64) -> Option<u64> {
    let same = rates.iter().filter(|rate| rate.period_micros() == period);
    same.map(Rate::limit).max()
}
