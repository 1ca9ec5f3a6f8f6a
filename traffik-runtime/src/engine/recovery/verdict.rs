//! Verdicts: the last resort of a policy, where every attempt has failed.

use crate::engine::recovery::attempt::{Attempt, Members as _};
use crate::engine::recovery::resolution::PolicyGroup;
use crate::engine::recovery::run::Run;
use crate::error::Error;
use crate::on_error::policy::LastResort;
use crate::on_error::verdict::Verdict;

impl<A: Attempt> Run<'_, A> {
    /// Returns the verdict of a group's policy.
    pub(super) async fn verdict(
        &self,
        group: &PolicyGroup<'_>,
        error: &Error,
        backend: &'static str,
    ) -> Verdict {
        match group.policy.last_resort() {
            LastResort::Custom(handler) => {
                let mut strictest = Verdict::Allow;
                for member in &group.members {
                    let failure = self.attempt.members().failure(*member, error, backend);
                    strictest = stricter(strictest, handler.on_error(&failure).await);
                }
                strictest
            }
            // A mistake in the program or its configuration is reported, whatever the policy.
            _ if !error.is_transient() => Verdict::Raise,
            LastResort::Allow => Verdict::Allow,
            LastResort::Throttle(Some(wait)) => Verdict::Throttle(*wait),
            LastResort::Throttle(None) => {
                let members = group.members.iter();
                let waits = members.map(|member| self.attempt.members().min_wait(*member));
                Verdict::Throttle(waits.max().unwrap_or_default())
            }
            LastResort::Raise => Verdict::Raise,
        }
    }
}

/// Returns `true` if the policy of a group raises errors.
pub(super) fn raises(group: &PolicyGroup<'_>) -> bool {
    matches!(group.policy.last_resort(), LastResort::Raise)
}

/// Returns the stricter of two verdicts, with the longer wait.
pub(super) fn stricter(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Raise, _) | (_, Verdict::Raise) => Verdict::Raise,
        (Verdict::Throttle(one), Verdict::Throttle(other)) => Verdict::Throttle(one.max(other)),
        (throttle @ Verdict::Throttle(_), Verdict::Allow)
        | (Verdict::Allow, throttle @ Verdict::Throttle(_)) => throttle,
        (Verdict::Allow, Verdict::Allow) => Verdict::Allow,
    }
}
