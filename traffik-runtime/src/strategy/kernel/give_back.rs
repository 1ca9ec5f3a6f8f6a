//! Giving back what an admitted hit took (L32): at least what would be there had it cost less is left.

use super::{Kind, Packed, State};

/// A hit that was admitted, of which a part is given back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// The microsecond at which it was admitted.
    pub(crate) at: u64,
    /// How much of its cost is given back.
    pub(crate) cost: u64,
}

impl Taken {
    /// Gives it back at a later microsecond. A state that is gone stays gone; what one of the user's own is then, its law says.
    pub(crate) fn give_back(self, state: &mut State, now: u64) {
        match state {
            State::Packed(packed) => {
                if let Some(after) = self.given_back(packed, now) {
                    *packed = after;
                }
            }
            State::Log(entries) => entries.give_back(self.at, self.cost),
            State::Mean(costs) => costs.give_back(self, now),
            State::List(list) => {
                for listed in list {
                    self.give_back(&mut listed.state, now);
                }
            }
            State::Bytes(_) => {}
        }
    }

    fn given_back(self, state: &Packed, now: u64) -> Option<Packed> {
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
                let ticks = self.ticks(state.tick(), now);
                self.unleaked(state.units(), ticks.saturating_mul(state.leak()))
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
