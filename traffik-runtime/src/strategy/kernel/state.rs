use serde::{Deserialize, Serialize};

use super::{Costs, Entries, Packed};

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
    /// The bytes of a user's own state.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => bytes.as_deref(),
            _ => None,
        }
    }

    pub(in crate::strategy) const fn packed(&self) -> &Packed {
        match self {
            Self::Packed(packed) => packed,
            _ => &NOTHING,
        }
    }

    pub(in crate::strategy) const fn entries(&self) -> &Entries {
        match self {
            Self::Log(entries) => entries,
            _ => &NO_ENTRIES,
        }
    }

    pub(in crate::strategy) const fn costs(&self) -> &Costs {
        match self {
            Self::Mean(costs) => costs,
            _ => &NO_COSTS,
        }
    }
}
