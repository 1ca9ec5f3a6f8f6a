//! Giving back what an admitted hit took (L32): at least what would be there had it cost less is left.

use crate::rate::Rate;
use crate::strategy::kernel::packed::{Kind, Packed};
use crate::strategy::kernel::state::State;

/// A hit that was admitted, of which a part is given back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refund {
    /// The microsecond at which it was admitted.
    pub(crate) at: u64,
    /// How much of its cost is given back.
    pub(crate) cost: u64,
}

impl Refund {
    /// Gives back what was admitted under these rates, at a later microsecond, and returns whether that changed the state of
    /// one rate.
    ///
    /// A state that is gone stays gone; a custom strategy decides for its own states. A state of another period may never
    /// have counted the hit, so nothing is given back there.
    pub(crate) fn refund(self, rates: &[Rate], state: &mut State, now: u64) -> bool {
        match state {
            State::Packed(packed) => {
                let limit = limit_of(rates, packed.period);
                let after = limit.and_then(|limit| self.given_back(limit, packed, now));
                let changes = after.is_some_and(|after| after != *packed);
                *packed = after.unwrap_or(*packed);
                changes
            }
            State::Log(entries) => entries.refund(self.at, self.cost),
            State::Mean(costs) => {
                let limit = limit_of(rates, costs.period());
                limit.is_some_and(|limit| costs.refund(self, limit, now))
            }
            State::Bytes(_) | State::List(_) => false,
        }
    }

    fn given_back(self, limit: u64, state: &Packed, now: u64) -> Option<Packed> {
        let mut amounts = state.amounts();
        // The clock stands still at the state's own moment (L4).
        let now = now.max(state.at);
        // Which number of the state counts the window that the hit was taken in, if that is still the one of the clock.
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
        let given = match state.kind {
            Kind::Meter => {
                let ticks = self.ticks(state.tick(), state.at, now)?;
                let leaked = most_leaked(ticks, state.leak(), (limit, state.limit));
                self.unleaked(state.units(), leaked)
            }
            _ => self.cost,
        };
        amounts[place?] = amounts[place?].saturating_sub(given);
        state.counting(&amounts)
    }

    /// The ticks since the hit, for a level last written at `last`; `None` if the hit is later than that, because then the
    /// level never held it.
    pub(super) fn ticks(self, tick: u64, last: u64, now: u64) -> Option<u64> {
        let (at, last) = (self.at / tick, last / tick);
        (at <= last).then(|| (now / tick).saturating_sub(at))
    }

    /// The part of it that has not leaked, in a level's units.
    pub(super) fn unleaked(self, units: u64, leaked: u64) -> u64 {
        self.cost.saturating_mul(units).saturating_sub(leaked)
    }
}

/// The largest limit among the rates of a period, if there are any.
fn limit_of(rates: &[Rate], period: u64) -> Option<u64> {
    let same = rates.iter().filter(|rate| rate.period_micros() == period);
    same.map(Rate::limit).max()
}

/// How much can have leaked in so many ticks where a limit has taken the place of another: what leaks by the later one, at
/// the faster pace of the two.
pub(super) fn most_leaked(ticks: u64, leak: u64, (then, since): (u64, u64)) -> u64 {
    let leaked = ticks.saturating_mul(leak);
    if then <= since {
        return leaked;
    }
    let faster = u128::from(leaked) * u128::from(then);
    let leaked = faster.div_ceil(u128::from(since.max(1)));
    u64::try_from(leaked).unwrap_or(u64::MAX)
}
