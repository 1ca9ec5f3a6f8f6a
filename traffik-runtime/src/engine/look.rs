//! A look at the states of clients: nothing is counted.

use crate::engine::batch::Batch;
use crate::engine::recovery::resolution::Resolution;
use crate::engine::snapshot::Snapshot;
use crate::error::Error;
use crate::flow::Flow;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::store::plan::Plan;
use crate::strategy::kernel::state::State;

/// The states of a batch, part by part. Each part has the indices of its plans.
pub(crate) struct Look<'a, 'd> {
    batch: Batch<'a, 'd>,
    parts: InlineVec1<(InlineVec4<usize>, Resolution<Snapshot<'a>>)>,
}

/// The states of all plans of a batch, each with the moment at which it was read.
pub(crate) struct BatchStates<'a, 'd> {
    pub(crate) batch: Batch<'a, 'd>,
    pub(crate) times: InlineVec4<u64>,
    pub(crate) states: InlineVec4<State>,
}

impl<'a, 'd> Batch<'a, 'd> {
    /// Reads the states of all plans.
    pub(crate) fn look(self) -> Flow<'a, Result<Look<'a, 'd>, Error>>
    where
        'd: 'a,
    {
        if let Some(parts) = self.look_now() {
            return Flow::Ready(Ok(Look { batch: self, parts }));
        }
        Flow::pending(async move {
            let parts = if self.is_split() {
                self.look_split().await?
            } else {
                let indices = (0..self.plans.len()).collect();
                let snapshot = self.look_on(self.backend(0)).await?;
                InlineVec1::from_iter([(indices, snapshot)])
            };
            Ok(Look { batch: self, parts })
        })
    }

    /// Reads the states if there are none, or all are in this process.
    fn look_now(&self) -> Option<InlineVec1<(InlineVec4<usize>, Resolution<Snapshot<'a>>)>> {
        let Some(backend) = self.first_backend() else {
            return Some(InlineVec1::new());
        };
        if !backend.store().is_local() || self.is_split() || self.may_bypass_backend() {
            return None;
        }
        let (now, states) = backend.store().read_local(&self.plans)?.ok()?;
        let snapshot = Snapshot {
            now,
            states,
            plans: None,
        };
        let indices = (0..self.plans.len()).collect();
        Some(InlineVec1::from_iter([(
            indices,
            Resolution::Decided(snapshot),
        )]))
    }

    /// Returns `true` if a closed throttle refuses a hit of this cost, whatever the states are.
    pub(crate) fn is_closed_for(&self, cost: u64) -> bool {
        let closed = |plan: usize| self.plans[plan].is_closed() && !self.is_shadow(plan);
        cost > 0 && (0..self.plans.len()).any(closed)
    }
}

impl<'a, 'd> Look<'a, 'd> {
    /// Returns `true` if all throttles would admit a hit of this cost now.
    pub(crate) fn would_admit(&self, cost: u64) -> bool {
        self.parts.iter().all(|(indices, part)| match part {
            Resolution::Decided(snapshot) => self.snapshot_admits(indices, snapshot, cost),
            Resolution::Allowed(_) => true,
            Resolution::Throttled(..) => false,
        })
    }

    fn snapshot_admits(&self, indices: &[usize], snapshot: &Snapshot<'_>, cost: u64) -> bool {
        let Snapshot { now, states, plans } = snapshot;
        let mut states = indices.iter().zip(states).enumerate();
        states.all(|(nth, (index, state))| {
            if cost == 0 || self.batch.is_shadow(*index) {
                return true;
            }
            let own = &self.batch.plans[*index];
            let plan = Plan {
                cost,
                ..plans.as_ref().map_or(own, |plans| &plans[nth]).clone()
            };
            plan.evaluate(state, *now).is_some()
        })
    }

    /// Returns the states in the order of the plans.
    ///
    /// # Errors
    ///
    /// The error of a backend whose states are unknown, even if its policy admits or refuses hits.
    pub(crate) fn into_states(mut self) -> Result<BatchStates<'a, 'd>, Error> {
        let plans = self.batch.plans.len();
        let mut times = InlineVec4::from_elem(0, plans);
        let mut states = InlineVec4::from_elem(State::default(), plans);
        for (indices, part) in self.parts {
            let snapshot = match part {
                Resolution::Decided(snapshot) => snapshot,
                Resolution::Allowed(error) | Resolution::Throttled(_, error) => return Err(error),
            };
            for (index, state) in indices.iter().zip(snapshot.states) {
                times[*index] = snapshot.now;
                states[*index] = state;
            }
            for (index, plan) in indices
                .into_iter()
                .zip(snapshot.plans.into_iter().flatten())
            {
                self.batch.plans[index] = plan;
            }
        }
        Ok(BatchStates {
            batch: self.batch,
            times,
            states,
        })
    }
}
