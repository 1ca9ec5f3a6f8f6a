//! Properties of packed states that depend on the kernel that wrote them.

#[cfg(feature = "engine")]
use crate::strategy::kernel::adaptive;
use crate::strategy::kernel::adaptive::Adaptive;
use crate::strategy::kernel::counter::Counter;
use crate::strategy::kernel::meter::Meter;
#[cfg(feature = "engine")]
use crate::strategy::kernel::packed::FULL;
use crate::strategy::kernel::packed::{Kind, Packed};
use crate::strategy::kernel::rollover::Rollover;
use crate::strategy::kernel::window::Window;

/// The counted numbers of a state.
#[cfg(feature = "engine")]
pub(crate) type Amounts = smallvec::SmallVec<[u64; 3]>;

impl Packed {
    /// Returns the microsecond from which this state decides like no state (L12).
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

    /// Returns the part of a capacity, in units of cost, that is used, from 0 to [`FULL`]. It is at
    /// least the part that a law finds at any later time: it ignores leaks, and adds the windows of
    /// a counter.
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
        // A product of 64 bits mostly suffices, and a division of 128 bits takes several times as
        // long.
        if used < u64::MAX / FULL {
            used * FULL / capacity
        } else {
            used / (capacity / FULL)
        }
    }

    /// Returns its counted numbers: counts, or a level, or a count with a share and its cut.
    #[cfg(feature = "engine")]
    pub(crate) fn amounts(&self) -> Amounts {
        match self.kind {
            Kind::Nothing | Kind::Window | Kind::Meter => Amounts::from_slice(&[self.amount]),
            Kind::Counter | Kind::Rollover => Amounts::from_slice(&[self.extra, self.amount]),
            Kind::Adaptive => Amounts::from_slice(&Adaptive::amounts(self)),
        }
    }

    /// Returns this state with other counted numbers, or `None` for numbers that no kernel writes.
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
}
