//! A set whose keys are on several servers of a Cluster: decided slot by slot, and given back if one refuses.

use super::store::Redis;
use crate::backend::outcome::{Outcome, Several};
use crate::backend::plan::Plan;
use crate::error::Error;
use crate::observe;
use crate::strategy::State;

impl Redis {
    /// Which plans are in which slot, if they are in several: then no script sees them all.
    pub(super) fn slots(&self, plans: &[Plan<'_>]) -> Option<Vec<Vec<usize>>> {
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

    /// Decides slot by slot, and gives back what was taken if one refuses: meanwhile others may be refused that would not
    /// have been, but never is more admitted.
    pub(super) async fn decide_each(
        &self,
        plans: &[Plan<'_>],
        slots: &[Vec<usize>],
        at: Option<u64>,
    ) -> Result<Outcome, Error> {
        let mut taken: Vec<(&[usize], Vec<Plan<'_>>, Outcome)> = Vec::new();
        for slot in slots {
            let own: Vec<_> = slot.iter().map(|place| plans[*place].clone()).collect();
            match self.decide_at_once(&own, at).await {
                Ok(outcome) if outcome.admitted => taken.push((slot, own, outcome)),
                stopped => {
                    for (_, own, outcome) in &taken {
                        let counted = own.iter().enumerate();
                        let counted = counted.filter(|(_, plan)| plan.cost > 0);
                        let given_back: Vec<_> = counted
                            .map(|(place, plan)| {
                                observe::given_back(&plan.name);
                                plan.given_back(outcome.counted_at(place))
                            })
                            .collect();
                        self.settle_at_once(&given_back, at).await?;
                    }
                    stopped?;
                    let (now, states) = self.read_each(plans, slots, at).await?;
                    for slot in slots {
                        let is_ahead =
                            |place: &usize| plans[*place].caught_up(&states[*place], now).is_some();
                        if slot.iter().any(is_ahead) {
                            let own: Vec<_> = slot.iter().map(|it| plans[*it].clone()).collect();
                            self.catch_up_at_once(&own, at).await?;
                        }
                    }
                    return Ok(Outcome::refused(plans, states.iter(), now));
                }
            }
        }
        let now = taken.iter().map(|(.., outcome)| outcome.now).max();
        let mut told: Several<_> = Several::new();
        for (slot, _, outcome) in taken {
            told.extend(outcome.of_plans(slot).told);
        }
        told.sort_by_key(|told| told.plan);
        Ok(Outcome::admitted(now.unwrap_or_default(), told))
    }

    pub(super) async fn read_each(
        &self,
        plans: &[Plan<'_>],
        slots: &[Vec<usize>],
        at: Option<u64>,
    ) -> Result<(u64, Several<State>), Error> {
        let (mut now, mut states) = (0, Several::from_elem(State::default(), plans.len()));
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
