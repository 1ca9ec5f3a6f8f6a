//! Giving back what an admitted hit took (L32): at least what would be there had it cost less is left.

use super::{Kind, Packed, State};
use crate::rate::Rate;

/// A hit that was admitted, of which a part is given back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// The microsecond at which it was admitted.
    pub(crate) at: u64,
    /// How much of its cost is given back.
    pub(crate) cost: u64,
}

impl Taken {
    /// Gives back what was admitted under these rates, at a later microsecond. A state that is gone stays gone; what one of
    /// the user's own is then, its law says. What counts for another period may never have counted it, and keeps all.
    pub(crate) fn give_back(self, rates: &[Rate], state: &mut State, now: u64) {
        match state {
            State::Packed(packed) => {
                if let Some(limit) = limit_of(rates, packed.period)
                    && let Some(after) = self.given_back(limit, packed, now)
                {
                    *packed = after;
                }
            }
            State::Log(entries) => entries.give_back(self.at, self.cost),
            State::Mean(costs) => {
                if let Some(limit) = limit_of(rates, costs.period()) {
                    costs.give_back(self, limit, now);
                }
            }
            State::List(list) => {
                for listed in list {
                    self.give_back(rates, &mut listed.state, now);
                }
            }
            State::Bytes(_) => {}
        }
    }

    fn given_back(self, limit: u32, state: &Packed, now: u64) -> Option<Packed> {
        let mut amounts = state.amounts();
        // Which number of the state counts the window it was taken in.
        let running = self.at >= state.at && self.at - state.at < state.period;
        let before = self.at < state.at && state.at - self.at <= state.period;
        let place = match state.kind {
            Kind::Nothing => return None,
            Kind::Window | Kind::Adaptive => running.then_some(0),
            Kind::Counter if before => Some(0),
            Kind::Counter | Kind::Rollover => running.then_some(1),
            Kind::Meter => Some(0),
        };
        let given = match state.kind {
            Kind::Meter => {
                // What has leaked until its last tick has, though the clock is behind that (L4).
                let ticks = self.ticks(state.tick(), now.max(state.at));
                let leaked = most_leaked(ticks, state.leak(), (limit, state.limit));
                self.unleaked(state.units(), leaked)
            }
            _ => self.cost,
        };
        amounts[place?] = amounts[place?].saturating_sub(given);
        state.counting(&amounts)
    }

    /// How many ticks have passed since.
    pub(super) fn ticks(self, tick: u64, now: u64) -> u64 {
        (now / tick).saturating_sub(self.at / tick)
    }

    /// What of it has not leaked, in a level's units.
    pub(super) fn unleaked(self, units: u64, leaked: u64) -> u64 {
        self.cost.saturating_mul(units).saturating_sub(leaked)
    }
}

/// The largest limit among the rates of a period, if there are any.
fn limit_of(rates: &[Rate], period: u64) -> Option<u32> {
    let same = rates.iter().filter(|rate| rate.period_micros() == period);
    same.map(Rate::limit).max()
}

/// How much can have leaked in so many ticks where a limit has taken the place of another: what leaks by the later one, at
/// the faster pace of the two.
pub(super) fn most_leaked(ticks: u64, leak: u64, (then, since): (u32, u32)) -> u64 {
    let leaked = ticks.saturating_mul(leak);
    if then <= since {
        return leaked;
    }
    let faster = u128::from(leaked) * u128::from(then);
    let leaked = faster.div_ceil(u128::from(since.max(1)));
    u64::try_from(leaked).unwrap_or(u64::MAX)
}
