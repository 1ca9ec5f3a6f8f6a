use serde::{Deserialize, Serialize};

#[cfg(feature = "engine")]
use crate::strategy::kernel::adaptive;
use crate::strategy::kernel::adaptive::Adaptive;
use crate::strategy::kernel::counter::Counter;
use crate::strategy::kernel::meter::Meter;
use crate::strategy::kernel::rollover::Rollover;
use crate::strategy::kernel::tick::gcd;
use crate::strategy::kernel::window::Window;

/// A state of one of the kernels, in the few words that fit beside its key in memory.
///
/// It carries the rate it was written under, so that a changed rate can go on from it (L30). The default is no state.
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
    /// When: the first microsecond of a window, the last tick of a meter in microseconds.
    pub at: u64,
    /// A count or a level; of two counts, that of the current window.
    pub amount: u64,
    /// The count of the previous window; of an adaptive window, its share and whether it was cut.
    pub extra: u64,
}

/// The fullness of a client at its limit.
#[cfg(feature = "engine")]
pub(crate) const FULL: u64 = 1 << 16;

/// A state's numbers.
#[cfg(feature = "engine")]
pub(crate) type Amounts = smallvec::SmallVec<[u64; 3]>;

/// Which kernel wrote a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Kind {
    /// No state.
    #[default]
    Nothing,
    /// [`Window`].
    Window,
    /// [`Counter`].
    Counter,
    /// [`Meter`].
    Meter,
    /// [`Rollover`].
    Rollover,
    /// [`Adaptive`].
    Adaptive,
}

impl Kind {
    /// Which kernel has this number.
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

    /// No state, but a place kept for one until this microsecond.
    #[cfg(feature = "engine")]
    pub(crate) fn reserved(until: u64) -> Self {
        Self {
            at: until,
            ..Self::default()
        }
    }

    /// The microsecond from which this state decides like no state (L12).
    pub fn expires(&self) -> u64 {
        match self.kind {
            Kind::Nothing => self.at,
            Kind::Window => Window::expires(self),
            Kind::Counter => Counter::expires(self),
            Kind::Meter => Meter::expires(self),
            Kind::Rollover => Rollover::expires(self),
            Kind::Adaptive => Adaptive::expires(self),
        }
    }

    /// Returns how much is used of a capacity, which is in units of cost, from 0 to [`FULL`]. This never falls below what a
    /// law finds at any later time: it leaves out what has leaked since, and adds up the windows of a counter.
    #[cfg(feature = "engine")]
    pub(crate) fn fullness(&self, capacity: u64) -> u64 {
        let used = match self.kind {
            // Reserved for a set that is about to write it: above every client.
            Kind::Nothing => return FULL + 1,
            Kind::Window | Kind::Rollover => self.amount,
            Kind::Counter => self.extra.saturating_add(self.amount),
            Kind::Meter => self.amount.div_ceil(self.units()),
            Kind::Adaptive => Adaptive::used(self),
        };
        if used >= capacity {
            return FULL;
        }
        // Mostly it fits, and a division of 128 bits takes several times as long.
        if used < u64::MAX / FULL {
            used * FULL / capacity
        } else {
            used / (capacity / FULL)
        }
    }

    /// What it counts, one number after the other: counts, a level, a share, whether it was cut.
    #[cfg(feature = "engine")]
    pub(crate) fn amounts(&self) -> Amounts {
        match self.kind {
            Kind::Nothing | Kind::Window | Kind::Meter => Amounts::from_slice(&[self.amount]),
            Kind::Counter | Kind::Rollover => Amounts::from_slice(&[self.extra, self.amount]),
            Kind::Adaptive => Amounts::from_slice(&Adaptive::amounts(self)),
        }
    }

    /// The same state again from what it counts; what no kernel writes is none.
    #[cfg(feature = "engine")]
    pub(crate) fn counting(self, amounts: &[u64]) -> Option<Self> {
        let possible = self.limit > 0 && self.tick_power <= 6 && self.period >= self.tick();
        // Windows are aligned to the epoch.
        let is_window = !matches!(self.kind, Kind::Meter);
        let possible = possible && (!is_window || self.at.is_multiple_of(self.period));
        let (amount, extra) = match (self.kind, amounts) {
            (Kind::Window | Kind::Meter, [amount]) => (*amount, 0),
            (Kind::Counter | Kind::Rollover, [previous, current]) => (*current, *previous),
            (Kind::Adaptive, [count, share, cut]) => (*count, adaptive::pack(*share, *cut)?),
            _ => return None,
        };
        possible.then_some(Self {
            amount,
            extra,
            ..self
        })
    }

    /// The tick this was written with, in microseconds.
    pub(super) const fn tick(&self) -> u64 {
        10_u64.pow(self.tick_power as u32)
    }

    /// How many of a meter's units were one unit of cost when this was written.
    pub(super) const fn units(&self) -> u64 {
        let ticks = self.period / self.tick();
        ticks / gcd(self.limit, ticks)
    }

    /// How many of a meter's units leaked in a tick when this was written.
    pub(super) const fn leak(&self) -> u64 {
        self.limit / gcd(self.limit, self.period / self.tick())
    }
}
