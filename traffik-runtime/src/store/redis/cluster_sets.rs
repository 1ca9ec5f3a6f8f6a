//! A set whose keys are on several servers of a Cluster: decided slot by slot, and refunded if one refuses.

use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::observe;
use crate::store::caller::Caller;
use crate::store::outcome::Outcome;
use crate::store::plan::Plan;
use crate::store::redis::client::Redis;
use crate::store::sequential::{InTurn, decide_in_turn};
use crate::strategy::kernel::state::State;

impl Redis {
    /// Which plans are in which slot, if they are in several: then no script sees them all.
    pub(crate) fn slots(&self, plans: &[Plan<'_>]) -> Option<Vec<Vec<usize>>> {
        if plans.len() == 1 || !self.is_cluster() {
            return None;
        }
        let mut slots: Vec<(&str, Vec<usize>)> = Vec::new();
        for (place, plan) in plans.iter().enumerate() {
            let tag = plan.name.split('}').next().unwrap_or_default();
            match slots.iter_mut().find(|(other, _)| *other == tag) {
                Some((_, places)) => places.push(place),
                None => slots.push((tag, vec![place])),
            }
        }
        // All sets in one order: then of several that meet, the first one has what it needs.
        slots.sort_unstable();
        let slots: Vec<_> = slots.into_iter().map(|(_, places)| places).collect();
        (slots.len() > 1).then_some(slots)
    }

    /// Decides slot by slot, and refunds those before the one that is refused or fails.
    pub(crate) async fn decide_each(
        &self,
        plans: &[Plan<'_>],
        slots: &[Vec<usize>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<Outcome, Error> {
        let own = |slot: &Vec<usize>| slot.iter().map(|place| plans[*place].clone()).collect();
        let turns = Turns {
            redis: self,
            slots,
            plans: slots.iter().map(own).collect(),
            at,
            caller,
        };
        match decide_in_turn(&turns, slots.len()).await {
            Ok(taken) => {
                let now = taken.iter().map(|outcome| outcome.now).max();
                let mut told: InlineVec4<_> = InlineVec4::new();
                for (slot, outcome) in slots.iter().zip(taken) {
                    told.extend(outcome.of_plans(slot).told);
                }
                told.sort_by_key(|told| told.plan);
                Ok(Outcome::admitted(now.unwrap_or_default(), told))
            }
            Err((_, stopped)) => {
                let refusal = stopped?;
                // It stays a refusal, also where the others cannot be read.
                let read = self.read_refused(plans, slots, at).await;
                Ok(read.map_or(refusal, |(now, states)| {
                    Outcome::refused(plans, states.iter(), now)
                }))
            }
        }
    }

    /// The states of a refused set, those taken over that are far ahead of the clock (L4), those of
    /// another rate with a longer life (L30).
    async fn read_refused(
        &self,
        plans: &[Plan<'_>],
        slots: &[Vec<usize>],
        at: Option<u64>,
    ) -> Result<(u64, InlineVec4<State>), Error> {
        let (now, states) = self.read_each(plans, slots, at).await?;
        for slot in slots {
            let is_written = |place: &usize| {
                let (plan, state) = (&plans[*place], &states[*place]);
                plan.caught_up(state, now).is_some() || plan.is_changed(state)
            };
            if slot.iter().any(is_written) {
                let own: Vec<_> = slot.iter().map(|place| plans[*place].clone()).collect();
                self.catch_up_at_once(&own, at).await?;
            }
        }
        Ok((now, states))
    }

    pub(crate) async fn read_each(
        &self,
        plans: &[Plan<'_>],
        slots: &[Vec<usize>],
        at: Option<u64>,
    ) -> Result<(u64, InlineVec4<State>), Error> {
        let (mut now, mut states) = (0, InlineVec4::from_elem(State::default(), plans.len()));
        for slot in slots {
            let own: Vec<_> = slot.iter().map(|place| plans[*place].clone()).collect();
            let (then, read) = self.read_at_once(&own, at).await?;
            now = then;
            for (place, state) in slot.iter().zip(read) {
                states[*place] = state;
            }
        }
        Ok((now, states))
    }
}

/// The plans of a set, slot by slot.
struct Turns<'t> {
    redis: &'t Redis,
    slots: &'t [Vec<usize>],
    plans: Vec<Vec<Plan<'t>>>,
    at: Option<u64>,
    caller: &'t Caller,
}

impl InTurn for Turns<'_> {
    type Taken = Outcome;
    type Stop = Result<Outcome, Error>;

    async fn decide(&self, member: usize) -> Result<Outcome, Self::Stop> {
        if self.caller.is_gone() {
            return Err(Err(Error::abandoned()));
        }
        let plans = &self.plans[member];
        let decided = self.redis.decide_at_once(plans, self.at, self.caller).await;
        let outcome = decided.map_err(Err)?;
        if outcome.admitted {
            return Ok(outcome);
        }
        let refusal = outcome.of_plans(&self.slots[member]);
        self.caller.refuse(&refusal);
        Err(Ok(refusal))
    }

    async fn refund(&self, member: usize, taken: Outcome) {
        let counted = self.plans[member].iter().enumerate();
        let counted = counted.filter(|(_, plan)| plan.cost > 0);
        let refunds: Vec<_> = counted
            .map(|(place, plan)| plan.given_back(&taken, place))
            .collect();
        if refunds.is_empty() {
            return;
        }
        let refunded = self.redis.settle_at_once(&refunds, self.at, self.caller);
        observe::refunded("redis", refunded.await);
    }
}
