//! Hits on throttles that an operator has closed: refused without the store, which may be away.

use crate::backend::backend_ref::BackendRef;
use crate::engine::batch::{Case, Seen};
use crate::engine::multi_backend::Part;
use crate::engine::recovery::Ruling;
use crate::inline_vec::InlineVec4;
use crate::store::outcome::StoreOutcome;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;

impl<'a> Case<'a> {
    /// Returns `true` if a closed member refuses the hit, whatever the others would say.
    pub(crate) fn is_closed(&self) -> bool {
        let mut plans = self.plans.iter();
        plans.any(|plan| plan.cost > 0 && plan.is_closed())
    }

    /// Refuses a hit on a closed member. Nothing is taken. The other members report their states, or new ones if the
    /// store cannot be read.
    pub(crate) async fn refuse(&self, backend: &BackendRef<'a>) -> StoreOutcome {
        let open = self.open_part();
        let seen = match &open {
            None => None,
            Some(part) => match part.case.look_whole(backend).await {
                Ok(Ruling::Decided(Seen { now, states, .. })) => Some((now, states)),
                Ok(Ruling::Allowed(_) | Ruling::Throttled(..)) | Err(_) => None,
            },
        };
        self.refused_with(open, seen, backend)
    }

    /// As [`refuse`](Self::refuse), where the store answers at once. Returns `None` if it does not.
    pub(crate) fn refuse_now(&self, backend: &BackendRef<'a>) -> Option<StoreOutcome> {
        let open = self.open_part();
        let seen = match &open {
            None => None,
            Some(part) => Some(backend.store().read_local(&part.case.plans)?.ok()?),
        };
        Some(self.refused_with(open, seen, backend))
    }

    fn refused_with(
        &self,
        open: Option<Part<'a>>,
        seen: Option<(u64, InlineVec4<State>)>,
        backend: &BackendRef<'a>,
    ) -> StoreOutcome {
        let mut states = InlineVec4::from_elem(State::default(), self.plans.len());
        let now = seen
            .as_ref()
            .map_or_else(|| backend.store().now(), |(now, _)| *now);
        let places = open.into_iter().flat_map(|part| part.places);
        for (place, state) in places.zip(seen.into_iter().flat_map(|(_, states)| states)) {
            states[place] = state;
        }
        StoreOutcome::refused(&self.plans, states.iter(), now)
    }

    /// Returns the plans that have a state to report, or `None` if every rate is closed.
    fn open_part(&self) -> Option<Part<'a>> {
        let is_open = |place: &usize| {
            let mut terms = self.plans[*place].limits.iter();
            terms.any(|term| term.law != Law::Closed)
        };
        let places: InlineVec4<usize> = (0..self.plans.len()).filter(is_open).collect();
        (!places.is_empty()).then(|| self.part(places))
    }
}
