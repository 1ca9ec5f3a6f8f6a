//! A part of a batch: some of its plans, on one backend.

use crate::engine::batch::Batch;
use crate::engine::recovery::resolution::PolicyGroup;
use crate::inline_vec::{InlineVec1, InlineVec4};

/// Some plans of a batch, on one backend, as a batch of their own.
pub(crate) struct Part<'a, 'd> {
    pub(crate) batch: Batch<'a, 'd>,
    /// The index of each plan in the whole batch.
    pub(crate) indices: InlineVec4<usize>,
}

impl<'a, 'd> Batch<'a, 'd> {
    /// Returns a part for each backend, of the plans that are selected.
    pub(crate) fn parts_by_backend(
        &self,
        is_selected: impl Fn(usize) -> bool,
    ) -> Vec<Part<'a, 'd>> {
        let parts = (0..self.backends.len()).map(|backend| {
            let plans = 0..self.plans.len();
            let own =
                plans.filter(|plan| self.backend_indices[*plan] == backend && is_selected(*plan));
            own.collect::<InlineVec4<usize>>()
        });
        let parts = parts.filter(|indices| !indices.is_empty());
        parts.map(|indices| self.part(indices)).collect()
    }

    /// Returns the part with these plans, all of one backend.
    pub(crate) fn part(&self, indices: InlineVec4<usize>) -> Part<'a, 'd> {
        let backend = self.backend(indices[0]).reborrow();
        let policies = self.policies.iter().filter_map(|group| {
            let members = indices.iter().enumerate();
            let members = members.filter(|(_, plan)| group.members.contains(plan));
            let members: InlineVec4<usize> = members.map(|(index, _)| index).collect();
            (!members.is_empty()).then(|| PolicyGroup {
                policy: group.policy.clone(),
                members,
            })
        });
        let mut batch = Batch {
            plans: indices.iter().map(|it| self.plans[*it].clone()).collect(),
            hit_indices: indices.iter().map(|it| self.hit_indices[*it]).collect(),
            hits: self.hits,
            cost: self.cost,
            parts: self.parts,
            backends: InlineVec1::from_iter([backend]),
            backend_indices: InlineVec4::from_elem(0, indices.len()),
            policies: policies.collect(),
            budget: self.budget,
        };
        // A hit that other parts may refuse is counted in the store.
        batch.without_leases();
        Part { batch, indices }
    }
}
