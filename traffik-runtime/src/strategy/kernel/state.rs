use serde::{Deserialize, Serialize};

#[cfg(feature = "engine")]
use crate::rate::Rate;
use crate::strategy::kernel::log::Entries;
use crate::strategy::kernel::mean_cost::Costs;
use crate::strategy::kernel::packed::Packed;

/// What a store keeps for one client of one throttle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// A few words; by default, nothing.
    Packed(Packed),
    /// The state of a log.
    Log(Entries),
    /// The state of a meter with a mean.
    Mean(Costs),
    /// The state of a strategy of the user's own, as `MessagePack`; nothing for a client never seen.
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
    /// What is kept for it.
    pub state: State,
    /// The microsecond up to which a refusal under another rate has lengthened its life (L30), or 0.
    pub until: u64,
    /// A number that tells it from a state that came before or after it; 0 before it has one. Refunds name it (L32).
    pub made: u64,
}

impl Listed {
    /// A state written under a rate.
    #[cfg(feature = "engine")]
    pub(crate) const fn new(rate: Rate, state: State) -> Self {
        Self {
            limit: rate.limit(),
            period: rate.period_micros(),
            state,
            until: 0,
            made: 0,
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
    /// The state of a client never seen, whatever the law.
    #[cfg(feature = "engine")]
    pub(crate) fn nothing() -> &'static Self {
        static NO_STATE: State = State::Packed(NOTHING);
        &NO_STATE
    }

    /// Numbers those states of a list that have no number yet.
    #[cfg(feature = "engine")]
    pub(crate) fn number_new(&mut self, next: impl FnOnce() -> u64) {
        if let Self::List(list) = self
            && list.iter().any(|listed| listed.made == 0)
        {
            let made = next();
            for listed in list.iter_mut().filter(|listed| listed.made == 0) {
                listed.made = made;
            }
        }
    }

    /// The bytes of a user's own state.
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

    /// The moment from which it counts: the clock stands still there until it has caught up (L4).
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

    /// The microsecond from which it decides like no state, as far as it says so by itself: one of the user's own does not.
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

    /// The entries to write to; what is no log becomes one.
    pub(super) fn entries_mut(&mut self) -> &mut Entries {
        if !matches!(self, Self::Log(_)) {
            *self = Self::Log(Entries::NONE);
        }
        match self {
            Self::Log(entries) => entries,
            _ => unreachable!("it has just become a log"),
        }
    }

    /// The costs to write to; what has no mean gets one.
    pub(super) fn costs_mut(&mut self) -> &mut Costs {
        if !matches!(self, Self::Mean(_)) {
            *self = Self::Mean(Costs::NONE);
        }
        match self {
            Self::Mean(costs) => costs,
            _ => unreachable!("it has just got a mean"),
        }
    }
}
