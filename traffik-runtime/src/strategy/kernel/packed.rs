//! Packed states: the few words that a kernel stores for one client.

use serde::{Deserialize, Serialize};

use crate::strategy::kernel::tick::gcd;

/// A state of one of the kernels, in the few words that fit beside its key in memory.
///
/// It holds the rate it was written under, so that a changed rate can continue from it (L30). The
/// default is no state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// The kernel that wrote it.
    pub kind: Kind,
    /// The power of ten of the tick it was written with, in microseconds.
    pub tick_power: u8,
    /// The limit it was written under.
    pub limit: u64,
    /// The period it was written under, in microseconds.
    pub period: u64,
    /// The time: the first microsecond of a window, or the last tick of a meter in microseconds.
    pub at: u64,
    /// The count or the level; of two counts, that of the current window.
    pub amount: u64,
    /// The count of the previous window; of an adaptive window, its share and whether it was cut.
    pub extra: u64,
}

/// The fullness of a client at its limit.
#[cfg(feature = "engine")]
pub(crate) const FULL: u64 = 1 << 16;

/// The kernel that wrote a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Kind {
    /// No state.
    #[default]
    Nothing,
    /// A fixed window.
    Window,
    /// A sliding counter.
    Counter,
    /// A meter.
    Meter,
    /// A window with rollover.
    Rollover,
    /// An adaptive window.
    Adaptive,
}

impl Kind {
    /// Returns the kernel with this number.
    #[cfg(feature = "engine")]
    pub(crate) const fn numbered(number: u8) -> Self {
        match number {
            1 => Self::Window,
            2 => Self::Counter,
            3 => Self::Meter,
            4 => Self::Rollover,
            5 => Self::Adaptive,
            _ => Self::Nothing,
        }
    }
}

impl Packed {
    /// No state.
    pub const NOTHING: Self = Self {
        kind: Kind::Nothing,
        tick_power: 0,
        limit: 0,
        period: 0,
        at: 0,
        amount: 0,
        extra: 0,
    };

    /// Makes no state, in a slot that is reserved for one until this microsecond.
    #[cfg(feature = "engine")]
    pub(crate) fn reserved(until: u64) -> Self {
        Self {
            at: until,
            ..Self::default()
        }
    }

    /// Returns the tick this was written with, in microseconds.
    pub(super) const fn tick(&self) -> u64 {
        10_u64.pow(self.tick_power as u32)
    }

    /// Returns the meter's units in one unit of cost when this was written.
    pub(super) const fn units(&self) -> u64 {
        let ticks = self.period / self.tick();
        ticks / gcd(self.limit, ticks)
    }

    /// Returns the meter's units that leaked in a tick when this was written.
    pub(super) const fn leak(&self) -> u64 {
        self.limit / gcd(self.limit, self.period / self.tick())
    }
}
