//! One attempt under way, with the policies of its members and its deadline.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::recovery::attempt::{Attempt, Members as _};
use crate::engine::recovery::resolution::PolicyGroup;

/// An attempt, its policies and its deadline.
pub(super) struct Run<'r, A> {
    pub(super) attempt: &'r A,
    pub(super) groups: &'r [PolicyGroup<'r>],
    /// `None` if it is beyond what a clock can represent.
    pub(super) deadline: Option<Instant>,
}

impl<'r, A: Attempt> Run<'r, A> {
    /// Begins an attempt with its policies, which has this time.
    pub(super) fn new(attempt: &'r A, groups: &'r [PolicyGroup<'r>], budget: Duration) -> Self {
        Self {
            attempt,
            groups,
            deadline: Instant::now().checked_add(budget),
        }
    }

    /// Returns the kind of the first backend.
    pub(super) fn kind(&self) -> &'static str {
        self.attempt.backend().store().kind()
    }

    /// Returns the uid of the first throttle of a group.
    pub(super) fn uid(&self, group: &PolicyGroup<'_>) -> &str {
        self.attempt.members().uid(first_member(group))
    }

    /// Returns the metrics label of the first throttle of a group.
    pub(super) fn label(&self, group: &PolicyGroup<'_>) -> &str {
        self.attempt.members().label(first_member(group))
    }
}

fn first_member(group: &PolicyGroup<'_>) -> usize {
    group.members.first().copied().unwrap_or_default()
}
