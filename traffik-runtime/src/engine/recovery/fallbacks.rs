//! Fallbacks: other backends that decide, and those whose earlier decisions still count.

use crate::engine::recovery::attempt::Attempt;
use crate::engine::recovery::resolution::PolicyGroup;
use crate::engine::recovery::run::Run;
use crate::error::Error;
use crate::observe;
use crate::on_error::step::FallbackStep;

impl<A: Attempt> Run<'_, A> {
    /// Returns the fallbacks whose earlier hits may still count, each with the group of its policy.
    pub(super) fn warm_fallbacks(&self) -> impl Iterator<Item = (&PolicyGroup<'_>, &FallbackStep)> {
        let groups = self.groups.iter();
        let steps =
            groups.flat_map(|group| group.policy.steps().iter().map(move |step| (group, step)));
        let fallbacks = steps.filter_map(|(group, step)| Some((group, step.fallback()?)));
        fallbacks.filter(|(_, fallback)| fallback.is_warm())
    }

    /// Tries a fallback, and leaves time for `later` more attempts.
    pub(super) async fn try_fallback(
        &self,
        group: &PolicyGroup<'_>,
        fallback: &FallbackStep,
        later: u32,
    ) -> Result<A::Output, Error> {
        let FallbackStep {
            store, instances, ..
        } = fallback;
        let output = self
            .within_budget(later, |until| {
                self.attempt.try_other(store, *instances, until)
            })
            .await?;
        if let (true, Some(time)) = (store.is_local(), A::retention(&output)) {
            fallback.keep_warm(time);
        }
        self.report_fallback(group, fallback);
        Ok(output)
    }

    /// Reports that a fallback has decided.
    pub(super) fn report_fallback(&self, group: &PolicyGroup<'_>, fallback: &FallbackStep) {
        let kind = fallback.store.kind();
        observe::fell_back(self.uid(group), self.label(group), kind);
    }
}
