//! The input of a store: a hit on one client's budget of one throttle.

use std::ops::Deref;
use std::time::Duration;

use crate::decision::Report;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::rate::Rate;
use crate::store::key::Key;

use crate::strategy::erased::ErasedStrategy;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::packed::Packed;
use crate::strategy::kernel::state::{Listed, State};
use crate::strategy::{Hit, Who};

/// One hit on one client's budget, under one rate or several that share a key in the store.
#[derive(Clone, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) key: Key,
    /// The key's name in a store where keys are names, otherwise empty.
    pub(crate) name: String,
    pub(crate) strategy: &'a dyn ErasedStrategy,
    pub(crate) limits: PlanLimits<'a>,
    pub(crate) cost: u64,
    pub(crate) who: Who<'a>,
    /// The life of the leases by which the hit may be admitted, in microseconds; 0 for none.
    pub(crate) lease: u64,
}

/// The limits of a plan: those of a definition, or computed for this hit.
#[derive(Clone, Debug)]
pub(crate) enum PlanLimits<'a> {
    Same(&'a [Limit]),
    Own(InlineVec1<Limit>),
}

impl Deref for PlanLimits<'_> {
    type Target = [Limit];

    fn deref(&self) -> &[Limit] {
        match self {
            Self::Same(limits) => limits,
            Self::Own(limits) => limits,
        }
    }
}

/// A rate and its law.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) rate: Rate,
    pub(crate) law: Law,
}

impl Limit {
    /// Returns the units of cost after which a new client is at its limit, as a multiple of the
    /// rate's limit.
    pub(crate) fn capacity_ratio(&self, now: u64) -> f32 {
        self.law.capacity(now) as f32 / self.rate.limit().max(1) as f32
    }

    /// Returns the change of the state by a hit of this cost, at least 1, if the law, which is a
    /// built-in one, admits it.
    #[inline]
    pub(crate) fn evaluate(&self, state: &State, now: u64, cost: u64) -> Option<Step> {
        match &self.law {
            law if law.is_packed() => law
                .decide_packed(state.packed(), now, cost)
                .map(Step::Replace),
            law => law.admits(state, now, cost).then_some(Step::Count),
        }
    }
}

/// The change of a state by a hit that costs something and that a built-in law admits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A packed state takes its place.
    Replace(Packed),
    /// The law counts the hit in place.
    Count,
}

/// The change of a state by a hit that is admitted.
#[derive(Clone, Debug)]
pub(crate) enum Transition {
    /// None: the hit costs nothing.
    Stay,
    /// Another state takes its place.
    Replace(State),
    /// The law counts the hit in place.
    Count,
}

impl Plan<'_> {
    /// Returns `true` if its state fits a slot of a few words.
    pub(crate) fn is_packed(&self) -> bool {
        matches!(&*self.limits, [limit] if limit.law.is_packed())
    }

    /// Returns `true` if another plan has the same key.
    pub(crate) fn shares_key(&self, other: &Self) -> bool {
        self.key == other.key && self.name == other.name
    }

    /// Returns `true` if one of its rates is closed, so that every cost is refused.
    pub(crate) fn is_closed(&self) -> bool {
        self.limits.iter().any(|limit| limit.law == Law::Closed)
    }

    /// Returns `true` if a law of the user's own is among its laws.
    pub(crate) fn is_custom(&self) -> bool {
        self.limits.iter().any(|limit| limit.law == Law::Custom)
    }

    /// Returns the change of each limit's state, if every law admits the hit.
    pub(crate) fn evaluate(&self, state: &State, now: u64) -> Option<InlineVec4<Transition>> {
        let states = self.states_for(state).into_iter();
        let lines = states.zip(&*self.limits);
        lines
            .map(|(state, limit)| self.evaluate_limit(limit, state, now))
            .collect()
    }

    /// Returns the change of one limit's state, if its law admits the hit.
    pub(crate) fn evaluate_limit(
        &self,
        limit: &Limit,
        state: &State,
        now: u64,
    ) -> Option<Transition> {
        match &limit.law {
            // A cost of 0 is admitted without a call of the law, and writes nothing.
            _ if self.cost == 0 => Some(Transition::Stay),
            Law::Custom => {
                let hit = self.hit(limit, now, self.cost);
                let after = self.strategy.decide(state.bytes(), &hit)?;
                Some(Transition::Replace(State::Bytes(Some(after))))
            }
            _ => Some(match limit.evaluate(state, now, self.cost)? {
                Step::Replace(after) => Transition::Replace(State::Packed(after)),
                Step::Count => Transition::Count,
            }),
        }
    }

    /// Applies the changes to a state.
    pub(crate) fn apply(&self, transitions: InlineVec4<Transition>, state: &mut State, now: u64) {
        if self.cost == 0 {
            return;
        }
        self.reshape(state, 0);
        if let State::List(list) = state {
            // The list is written under these rates.
            for (listed, limit) in list.iter_mut().zip(&*self.limits) {
                (listed.limit, listed.until) = (limit.rate.limit(), 0);
            }
        }
        for ((transition, limit), state) in transitions
            .into_iter()
            .zip(&*self.limits)
            .zip(each_mut(state))
        {
            match transition {
                Transition::Stay => {}
                Transition::Replace(after) => *state = after,
                Transition::Count => limit.law.count(state, now, self.cost),
            }
        }
    }

    /// Returns the law's report on a state, for a cost.
    pub(crate) fn report(&self, limit: &Limit, state: &State, now: u64, cost: u64) -> Report {
        match &limit.law {
            Law::Custom => {
                let hit = self.hit(limit, now, cost);
                self.strategy.report(state.bytes(), &hit)
            }
            law => law.report(state, now, cost),
        }
    }

    /// Returns the law's report on a state in which nothing has been counted.
    pub(crate) fn fresh_report(&self, limit: &Limit, now: u64) -> Report {
        self.report(limit, State::nothing(), now, 0)
    }

    /// Returns the hit in the form that a law takes.
    pub(crate) fn hit(&self, limit: &Limit, now: u64, cost: u64) -> Hit<'_> {
        Hit {
            rate: limit.rate,
            now,
            cost,
            who: self.who,
        }
    }

    /// Returns each limit's own state: of a list, the member of the same period, otherwise the one
    /// in the same place (L30).
    pub(crate) fn states_for<'s>(&self, state: &'s State) -> InlineVec4<&'s State> {
        if let ([_], State::Packed(_) | State::Log(_) | State::Mean(_) | State::Bytes(_)) =
            (&*self.limits, state)
        {
            return InlineVec4::from_elem(state, 1);
        }
        let old = periods(state);
        let found = self.match_periods(&old);
        let state = |place: Option<usize>| match (state, place) {
            (_, None) => State::nothing(),
            (State::List(list), Some(place)) => &list[place].state,
            (only, Some(_)) => only,
        };
        found.into_iter().map(state).collect()
    }

    /// Returns the state with each part filled at `now` that is more than a period ahead of the
    /// clock (L4); `None` if none is. The first hit that reads it writes it, even if it is refused.
    pub(crate) fn caught_up(&self, state: &State, now: u64) -> Option<State> {
        if state.moment() <= now {
            return None;
        }
        let lines = self.states_for(state).into_iter().zip(&*self.limits);
        let filled: InlineVec4<_> = lines
            .map(|(state, limit)| limit.law.caught_up(state, now))
            .collect();
        if filled.iter().all(Option::is_none) {
            return None;
        }
        let mut state = state.clone();
        self.reshape(&mut state, 0);
        if let State::List(list) = &mut state {
            // A filled state is another incarnation.
            let replaced = list.iter_mut().zip(&filled);
            let replaced = replaced.filter(|(_, filled)| filled.is_some());
            replaced.for_each(|(listed, _)| listed.incarnation = 0);
        }
        for (state, filled) in each_mut(&mut state).zip(filled) {
            *state = filled.unwrap_or_else(|| std::mem::take(state));
        }
        Some(state)
    }

    /// Returns the time for which a state is needed: by these laws, and at least by the rate under
    /// which it was written, because another request may have brought another rate.
    pub(crate) fn retention(&self, state: &State, now: u64) -> Duration {
        let resets = self.reports(state, now).map(|report| report.reset);
        let own = Duration::from_micros(state.expires().saturating_sub(now));
        resets.max().unwrap_or_default().max(own)
    }

    /// Returns the reports of the laws on a state.
    pub(crate) fn reports<'s>(
        &'s self,
        state: &'s State,
        now: u64,
    ) -> impl Iterator<Item = Report> + 's {
        let lines = self.states_for(state).into_iter().zip(&*self.limits);
        lines.map(move |(state, limit)| self.report(limit, state, now, 0))
    }

    /// Brings a state into the form that these limits write. `incarnation` is that of the state,
    /// unless it is a list, whose states have incarnations of their own.
    pub(crate) fn reshape(&self, state: &mut State, incarnation: u64) {
        let is_list = matches!(state, State::List(_));
        let same = periods(state).into_iter().eq(self.periods());
        // A custom strategy's state does not contain the rate under which it was written; a list
        // does.
        let wants_list = self.limits.len() > 1 || self.is_custom();
        if (!wants_list && !is_list) || (is_list && same) {
            return;
        }
        let states: InlineVec4<State> = self.states_for(state).into_iter().cloned().collect();
        let places = self.match_periods(&periods(state));
        let more = |place: Option<usize>| match (&*state, place) {
            (_, None) => (0, 0),
            (State::List(list), Some(place)) => (list[place].until, list[place].incarnation),
            (_, Some(_)) => (0, incarnation),
        };
        let more: InlineVec4<(u64, u64)> = places.into_iter().map(more).collect();
        let listed = self.limits.iter().zip(states).zip(more);
        let listed = listed.map(|((limit, state), (until, incarnation))| Listed {
            until,
            incarnation,
            ..Listed::new(limit.rate, state)
        });
        *state = State::List(listed.collect());
    }

    /// Returns the incarnation of each limit's own state; 0 if only its store can tell it.
    pub(crate) fn incarnations(&self, state: &State) -> InlineVec4<u64> {
        let State::List(list) = state else {
            return InlineVec4::from_elem(0, self.limits.len());
        };
        let incarnation = |place: Option<usize>| place.map_or(0, |place| list[place].incarnation);
        self.match_periods(&periods(state))
            .into_iter()
            .map(incarnation)
            .collect()
    }

    /// Returns the rates of the limits.
    pub(crate) fn rates(&self) -> InlineVec1<Rate> {
        self.limits.iter().map(|limit| limit.rate).collect()
    }

    fn periods(&self) -> impl Iterator<Item = u64> {
        self.limits.iter().map(|limit| limit.rate.period_micros())
    }

    /// Returns the place of each limit's period among old periods.
    pub(crate) fn match_periods(&self, old: &[u64]) -> InlineVec4<Option<usize>> {
        let mut free: InlineVec4<bool> = old.iter().map(|_| true).collect();
        let mut found = InlineVec4::<Option<usize>>::new();
        for period in self.periods() {
            let same = (0..old.len()).find(|place| free[*place] && old[*place] == period);
            if let Some(place) = same {
                free[place] = false;
            }
            found.push(same);
        }
        for (place, found) in found.iter_mut().enumerate() {
            if found.is_none() && free.get(place) == Some(&true) {
                *found = Some(place);
            }
        }
        found
    }
}

/// Returns the periods of the rates under which a state was written, in microseconds; 0 if the
/// state does not contain it.
fn periods(state: &State) -> InlineVec4<u64> {
    match state {
        State::List(list) => list.iter().map(|listed| listed.period).collect(),
        State::Packed(packed) => InlineVec4::from_elem(packed.period, 1),
        State::Log(entries) => InlineVec4::from_elem(entries.period(), 1),
        State::Mean(costs) => InlineVec4::from_elem(costs.period(), 1),
        State::Bytes(_) => InlineVec4::from_elem(0, 1),
    }
}

/// Returns the parts of a state: the members of a list, or the state itself.
pub(crate) fn each_mut(state: &mut State) -> impl Iterator<Item = &mut State> {
    let (only, list) = match state {
        State::List(list) => (None, Some(list)),
        only => (Some(only), None),
    };
    let listed = list.into_iter().flatten().map(|listed| &mut listed.state);
    only.into_iter().chain(listed)
}
