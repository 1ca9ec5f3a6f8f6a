//! The life of a state whose rate is changed (L30): as long as the law of the last hit on it needs
//! it.
//!
//! A law itself can tell when a state of its own rate ends. Under another rate, a state that had
//! ended before a hit read it is gone, and a refused hit that reads it earlier extends its life for
//! as long as the new law needs it.

use std::borrow::Cow;
use std::time::Duration;

use crate::inline_vec::InlineVec4;
use crate::store::plan::{Limit, Plan};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::packed::Packed;
use crate::strategy::kernel::state::{Listed, State};
use crate::strategy::kernel::tick::EXACT;

impl Listed {
    /// Returns the microsecond at which it ends for a rate that has not read it yet; `None` for a
    /// custom strategy's state, whose end only its store can tell.
    pub(crate) fn end(&self) -> Option<u64> {
        let own = match &self.state {
            State::Packed(_) | State::Log(_) | State::Mean(_) => self.state.expires(),
            State::Bytes(_) | State::List(_) => return None,
        };
        Some(own.max(self.until))
    }

    fn has_ended(&self, now: u64) -> bool {
        self.end().is_some_and(|end| end <= now)
    }
}

impl Limit {
    /// Returns `true` if the law itself can tell when a state ends.
    fn has_end_of(&self, listed: &Listed) -> bool {
        let has_period = listed.period == self.rate.period_micros();
        match (&self.law, &listed.state) {
            (law, State::Packed(packed)) => law.knows_end(packed),
            (Law::Mean(law), State::Mean(costs)) => law.has_written(costs),
            (Law::Log(law), State::Log(entries)) => law.has_written(entries),
            _ => has_period && listed.limit == self.rate.limit(),
        }
    }

    /// Returns `true` if a member of a list has an incarnation and was written under this rate, so
    /// that a hit needs nothing but its state.
    pub(crate) fn has_numbered(&self, listed: &Listed) -> bool {
        let has_rate = listed.limit == self.rate.limit()
            && listed.period == self.rate.period_micros()
            && self.has_end_of(listed);
        has_rate && listed.incarnation != 0
    }

    /// Returns the state of a slot, or an empty one if it had ended before this rate read it.
    #[inline]
    pub(crate) fn living(&self, packed: Packed, now: u64) -> Packed {
        if !self.law.knows_end(&packed) && packed.expires() <= now {
            return Packed::NOTHING;
        }
        packed
    }

    /// Returns the state from which this rate continues, if it is the only rate: of a list, the
    /// member of its period, otherwise the first.
    pub(crate) fn own<'s>(&self, state: &'s State, now: u64) -> &'s State {
        match state {
            State::List(list) => match self.place(list).map(|place| &list[place]) {
                Some(listed) if self.has_end_of(listed) || !listed.has_ended(now) => &listed.state,
                _ => State::nothing(),
            },
            only => only,
        }
    }

    /// Takes the state from which this rate continues, if it is the only rate, out of a list.
    pub(crate) fn take_own(&self, mut list: Vec<Listed>) -> State {
        let place = self.place(&list);
        place.map_or_else(State::default, |place| list.swap_remove(place).state)
    }

    /// Returns the incarnation from which this rate continues, if that is a member of a
    /// list.
    pub(crate) fn own_incarnation(&self, state: &State) -> Option<u64> {
        match state {
            State::List(list) => self.place(list).map(|place| list[place].incarnation),
            _ => None,
        }
    }

    fn place(&self, list: &[Listed]) -> Option<usize> {
        let period = self.rate.period_micros();
        let same = list.iter().position(|listed| listed.period == period);
        same.or((!list.is_empty()).then_some(0))
    }

    /// Extends the life of a member of a list for as long as the law needs it after a refused hit.
    /// Returns `true` if that is longer than before.
    fn lengthen(&self, listed: &mut Listed, reset: Duration, now: u64) -> bool {
        if self.has_end_of(listed) || listed.has_ended(now) {
            return false;
        }
        let needed = end_of(reset, now);
        let lengthens = needed > listed.end().unwrap_or(listed.until);
        if lengthens {
            listed.until = needed;
        }
        lengthens
    }

    /// Extends the life of the state of a throttle's only rate, in any form, as
    /// [`lengthen`](Plan::lengthen) does.
    pub(crate) fn lengthen_own(&self, state: &mut State, reset: Duration, now: u64) -> bool {
        match state {
            State::List(list) => match self.place(list) {
                Some(place) => self.lengthen(&mut list[place], reset, now),
                None => false,
            },
            _ => true,
        }
    }
}

impl Plan<'_> {
    /// Returns a state without the members that had ended before their changed rate read them.
    pub(crate) fn living<'s>(&self, state: Cow<'s, State>, now: u64) -> Cow<'s, State> {
        let State::List(list) = &*state else {
            return state;
        };
        let gone = self.places(list).filter(|(limit, place)| {
            let listed = &list[*place];
            !limit.has_end_of(listed) && listed.has_ended(now)
        });
        let gone: InlineVec4<usize> = gone.map(|(_, place)| place).collect();
        if gone.is_empty() {
            return state;
        }
        let mut state = state.into_owned();
        if let State::List(list) = &mut state {
            for place in gone {
                list[place].state = State::default();
            }
        }
        Cow::Owned(state)
    }

    /// Returns `true` if any of a state's members is of another rate, so that a refusal may extend
    /// its life.
    pub(crate) fn is_changed(&self, state: &State) -> bool {
        let is_current = |(limit, state): (&Limit, &State)| match (&limit.law, state) {
            (law, State::Packed(packed)) => law.knows_end(packed),
            (Law::Mean(law), State::Mean(costs)) => law.has_written(costs),
            (Law::Log(law), State::Log(entries)) => law.has_written(entries),
            _ => false,
        };
        !self
            .limits
            .iter()
            .zip(self.states_for(state))
            .all(is_current)
    }

    /// Extends the life of the members of a list for as long as these rates need them after a
    /// refusal. Returns `true` if that is longer than before for any.
    pub(crate) fn lengthen(&self, list: &mut [Listed], now: u64) -> bool {
        let places: InlineVec4<_> = self.places(list).collect();
        let mut lengthens = false;
        for (limit, place) in places {
            let reset = self.report(limit, &list[place].state, now, 0).reset;
            lengthens |= limit.lengthen(&mut list[place], reset, now);
        }
        lengthens
    }

    /// Returns the microsecond up to which these rates need a state.
    pub(crate) fn needed(&self, state: &State, now: u64) -> u64 {
        let lines = self.states_for(state).into_iter().zip(&*self.limits);
        let resets = lines.map(|(state, limit)| self.report(limit, state, now, 0).reset);
        end_of(resets.max().unwrap_or_default(), now)
    }

    fn places<'p>(&'p self, list: &[Listed]) -> impl Iterator<Item = (&'p Limit, usize)> {
        let periods: InlineVec4<u64> = list.iter().map(|listed| listed.period).collect();
        let places = self.match_periods(&periods).into_iter();
        let places = self.limits.iter().zip(places);
        places.filter_map(|(limit, place)| Some((limit, place?)))
    }
}

/// Returns the microsecond at which this much time has passed, but not one beyond the last that all
/// stores represent exactly.
pub(crate) fn end_of(reset: Duration, now: u64) -> u64 {
    now.saturating_add(micros(reset)).min(EXACT)
}

/// Returns a duration in microseconds, rounded up; that of one too long is the largest number.
#[inline]
pub(crate) fn micros(duration: Duration) -> u64 {
    let below_a_second = u64::from(duration.subsec_nanos().div_ceil(1_000));
    let seconds = duration.as_secs().saturating_mul(1_000_000);
    seconds.saturating_add(below_a_second)
}
