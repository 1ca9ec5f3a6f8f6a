//! Hits on throttles that an operator has closed: refused without the store, which may be away.

use crate::backend::backend_ref::BackendRef;
use crate::engine::batch::Batch;
use crate::engine::part::Part;
use crate::engine::recovery::resolution::Resolution;
use crate::engine::snapshot::Snapshot;
use crate::inline_vec::InlineVec4;
use crate::store::outcome::StoreOutcome;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;

impl<'a, 'd> Batch<'a, 'd> {
    /// Returns `true` if a closed member refuses the hit, whatever the others decide.
    pub(crate) fn is_closed(&self) -> bool {
        let mut plans = self.plans.iter();
        plans.any(|plan| plan.cost > 0 && plan.is_closed())
    }

    /// Refuses a hit on a closed member. Nothing is counted. The other members report their states,
    /// or new ones if the store cannot be read.
    pub(crate) async fn refuse(&self, backend: &BackendRef<'a>) -> StoreOutcome {
        let open = self.open_part();
        let states = match &open {
            None => None,
            Some(part) => match part.batch.look_on(backend).await {
                Ok(Resolution::Decided(Snapshot { now, states, .. })) => Some((now, states)),
                Ok(Resolution::Allowed(_) | Resolution::Throttled(..)) | Err(_) => None,
            },
        };
        self.refused_with(open, states, backend)
    }

    /// Refuses a hit like [`refuse`](Self::refuse). Returns `None` if the store has to be awaited.
    pub(crate) fn refuse_now(&self, backend: &BackendRef<'a>) -> Option<StoreOutcome> {
        let open = self.open_part();
        let states = match &open {
            None => None,
            Some(part) => Some(backend.store().read_local(&part.batch.plans)?.ok()?),
        };
        Some(self.refused_with(open, states, backend))
    }

    fn refused_with(
        &self,
        open: Option<Part<'a, 'd>>,
        read: Option<(u64, InlineVec4<State>)>,
        backend: &BackendRef<'a>,
    ) -> StoreOutcome {
        let mut states = InlineVec4::from_elem(State::default(), self.plans.len());
        let now = read
            .as_ref()
            .map_or_else(|| backend.store().now(), |(now, _)| *now);
        let indices = open.into_iter().flat_map(|part| part.indices);
        for (index, state) in indices.zip(read.into_iter().flat_map(|(_, states)| states)) {
            states[index] = state;
        }
        StoreOutcome::refused(&self.plans, states.iter(), now)
    }

    /// Returns the plans that have a state to report, or `None` if every rate is closed.
    fn open_part(&self) -> Option<Part<'a, 'd>> {
        let is_open = |plan: &usize| {
            let mut limits = self.plans[*plan].limits.iter();
            limits.any(|limit| limit.law != Law::Closed)
        };
        let indices: InlineVec4<usize> = (0..self.plans.len()).filter(is_open).collect();
        (!indices.is_empty()).then(|| self.part(indices))
    }
}
