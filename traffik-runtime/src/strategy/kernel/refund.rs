//! Refunds of admitted hits (L32): the state keeps at least what it would hold had the hit cost
//! less.

use crate::strategy::kernel::packed::{Kind, Packed};

/// A part of an admitted hit to be subtracted again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refund {
    /// The microsecond at which it was admitted.
    pub(crate) at: u64,
    /// The part of its cost to subtract.
    pub(crate) cost: u64,
}

impl Refund {
    /// Returns the state of a rate of this limit after the refund; `None` if the state never held
    /// the hit.
    pub(super) fn apply_to(self, limit: u64, state: &Packed, now: u64) -> Option<Packed> {
        let mut amounts = state.amounts();
        // The clock stands still at the time of the state (L4).
        let now = now.max(state.at);
        // The number of the state that counts the hit's window, if that is still the window of the
        // clock.
        let of_window = self.at >= state.at && self.at - state.at < state.period;
        let is_open = of_window && now - state.at < state.period;
        let before = self.at < state.at && state.at - self.at <= state.period;
        let place = match state.kind {
            Kind::Nothing => return None,
            Kind::Window | Kind::Adaptive => is_open.then_some(0),
            Kind::Rollover => is_open.then_some(1),
            Kind::Counter if before => Some(0),
            Kind::Counter => of_window.then_some(1),
            Kind::Meter => Some(0),
        };
        let refunded = match state.kind {
            Kind::Meter => {
                let ticks = self.ticks(state.tick(), state.at, now)?;
                let leaked = max_leaked(ticks, state.leak(), (limit, state.limit));
                self.unleaked(state.units(), leaked)
            }
            _ => self.cost,
        };
        amounts[place?] = amounts[place?].saturating_sub(refunded);
        state.counting(&amounts)
    }

    /// Returns the ticks since the hit, for a level last written at `last`; `None` if the hit is
    /// later than that, because then the level never held it.
    pub(super) fn ticks(self, tick: u64, last: u64, now: u64) -> Option<u64> {
        let (at, last) = (self.at / tick, last / tick);
        (at <= last).then(|| (now / tick).saturating_sub(at))
    }

    /// Returns the part of it that has not leaked, in a level's units.
    pub(super) fn unleaked(self, units: u64, leaked: u64) -> u64 {
        self.cost.saturating_mul(units).saturating_sub(leaked)
    }
}

/// Returns the largest amount that can have leaked in so many ticks where a limit has replaced
/// another: the leak of the later one, at the faster pace of the two.
pub(super) fn max_leaked(ticks: u64, leak: u64, (then, since): (u64, u64)) -> u64 {
    let leaked = ticks.saturating_mul(leak);
    if then <= since {
        return leaked;
    }
    let faster = u128::from(leaked) * u128::from(then);
    let leaked = faster.div_ceil(u128::from(since.max(1)));
    u64::try_from(leaked).unwrap_or(u64::MAX)
}
