//! Sets whose keys are in several slots of a Cluster: decided slot by slot, and refunded if one
//! refuses.

use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::store::caller::Caller;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::redis::client::Redis;
use crate::store::sequential::{Sequence, decide_in_sequence};
use crate::store::settlement::Settlement;
use crate::strategy::kernel::state::State;

/// The indexes of the plans whose keys are in one slot of the Cluster.
type Slot = Vec<usize>;

impl Redis {
    /// Groups plans by slot. Returns `None` if all are in one, so that one script sees them all.
    pub(crate) fn slots<'p>(
        &self,
        plans: impl ExactSizeIterator<Item = &'p Plan<'p>>,
    ) -> Option<Vec<Slot>> {
        if plans.len() == 1 || !self.is_cluster() {
            return None;
        }
        let mut slots: Vec<(&str, Slot)> = Vec::new();
        for (index, plan) in plans.enumerate() {
            let tag = plan.name.split('}').next().unwrap_or_default();
            match slots.iter_mut().find(|(other, _)| *other == tag) {
                Some((_, indexes)) => indexes.push(index),
                None => slots.push((tag, vec![index])),
            }
        }
        // Every set is decided in one order, so that the first of several with common keys is
        // admitted.
        slots.sort_unstable();
        let slots: Vec<_> = slots.into_iter().map(|(_, indexes)| indexes).collect();
        (slots.len() > 1).then_some(slots)
    }

    /// Decides slot by slot, and refunds the earlier slots if one is refused or fails.
    pub(crate) async fn decide_slots(
        &self,
        plans: &[Plan<'_>],
        slots: &[Slot],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<StoreOutcome, Error> {
        let members = Members {
            redis: self,
            slots,
            plans: slots.iter().map(|slot| plans_of(plans, slot)).collect(),
            at,
            caller,
        };
        match decide_in_sequence(&members).await {
            Ok(admitted) => {
                let now = admitted.iter().map(|outcome| outcome.now).max();
                let mut limits: InlineVec4<_> = InlineVec4::new();
                for (slot, outcome) in slots.iter().zip(admitted) {
                    limits.extend(outcome.reindexed(slot).limits);
                }
                limits.sort_by_key(|limit| limit.plan);
                Ok(StoreOutcome::admitted(now.unwrap_or_default(), limits))
            }
            Err((_, stop)) => {
                let refusal = stop?;
                // It stays a refusal if the other states cannot be read.
                let read = self.read_refused(plans, slots, at).await;
                Ok(read.map_or(refusal, |(now, states)| {
                    StoreOutcome::refused_by(plans, states, now)
                }))
            }
        }
    }

    /// Settles slot by slot, all of them even if one fails.
    pub(crate) async fn settle_slots(
        &self,
        settlements: &[Settlement<'_>],
        slots: &[Slot],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<(), Error> {
        let mut all = Ok(());
        for slot in slots {
            let own = slot.iter().map(|index| settlements[*index].clone());
            let own: Vec<_> = own.collect();
            all = all.and(self.settle_slot(&own, at, caller).await);
        }
        all
    }

    /// Reads the states of a refused set. States far ahead of the clock are replaced (law L4;
    /// guide, chapter laws), and those of another rate live longer (law L30).
    async fn read_refused(
        &self,
        plans: &[Plan<'_>],
        slots: &[Slot],
        at: Option<u64>,
    ) -> Result<(u64, InlineVec4<State>), Error> {
        let (now, states) = self.read_slots(plans, slots, at).await?;
        for slot in slots {
            let is_written = |index: &usize| {
                let (plan, state) = (&plans[*index], &states[*index]);
                plan.caught_up(state, now).is_some() || plan.is_changed(state)
            };
            if slot.iter().any(is_written) {
                self.catch_up_slot(&plans_of(plans, slot), at).await?;
            }
        }
        Ok((now, states))
    }

    /// Reads states slot by slot, and the time of the last slot.
    pub(crate) async fn read_slots(
        &self,
        plans: &[Plan<'_>],
        slots: &[Slot],
        at: Option<u64>,
    ) -> Result<(u64, InlineVec4<State>), Error> {
        let (mut now, mut states) = (0, InlineVec4::from_elem(State::default(), plans.len()));
        for slot in slots {
            let (then, read) = self.read_slot(&plans_of(plans, slot), at).await?;
            now = then;
            for (index, state) in slot.iter().zip(read) {
                states[*index] = state;
            }
        }
        Ok((now, states))
    }
}

/// Returns the plans of a slot.
fn plans_of<'p>(plans: &[Plan<'p>], slot: &Slot) -> Vec<Plan<'p>> {
    slot.iter().map(|index| plans[*index].clone()).collect()
}

/// The slots of a set.
struct Members<'m> {
    redis: &'m Redis,
    slots: &'m [Slot],
    plans: Vec<Vec<Plan<'m>>>,
    at: Option<u64>,
    caller: &'m Caller,
}

impl Sequence for Members<'_> {
    type Admitted = StoreOutcome;
    type Stop = Result<StoreOutcome, Error>;

    fn len(&self) -> usize {
        self.slots.len()
    }

    fn kind(&self, _: usize) -> &'static str {
        "redis"
    }

    async fn decide(&self, member: usize) -> Result<StoreOutcome, Self::Stop> {
        if self.caller.is_gone() {
            return Err(Err(Error::abandoned()));
        }
        let plans = &self.plans[member];
        let decided = self.redis.decide_slot(plans, self.at, self.caller).await;
        let outcome = decided.map_err(Err)?;
        if outcome.admitted {
            return Ok(outcome);
        }
        let refusal = outcome.reindexed(&self.slots[member]);
        self.caller.refuse(&refusal);
        Err(Ok(refusal))
    }

    async fn refund(&self, member: usize, admitted: StoreOutcome) -> Option<Result<(), Error>> {
        let counted = self.plans[member].iter().enumerate();
        let counted = counted.filter(|(_, plan)| plan.cost > 0);
        let refunds = counted.map(|(index, plan)| plan.full_refund(&admitted, index));
        let refunds: Vec<_> = refunds.collect();
        if refunds.is_empty() {
            return None;
        }
        Some(self.redis.settle_slot(&refunds, self.at, self.caller).await)
    }
}
