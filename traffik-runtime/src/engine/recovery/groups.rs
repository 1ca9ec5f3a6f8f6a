//! The policies of all groups, after the first attempt has failed: the strictest answer wins.

use crate::engine::recovery::attempt::Attempt;
use crate::engine::recovery::chain::PolicyResult;
use crate::engine::recovery::resolution::{PolicyGroup, Resolution};
use crate::engine::recovery::run::Run;
use crate::engine::recovery::verdict::{raises, stricter};
use crate::error::Error;
use crate::observe;
use crate::on_error::verdict::Verdict;

impl<A: Attempt> Run<'_, A> {
    /// Asks the policies about an error of the first backend. Those that make no attempt come
    /// first.
    pub(super) async fn recover(&self, error: Error) -> Result<Resolution<A::Output>, Error> {
        observe::backend_failed(self.kind(), &error);
        let mut strictest = self.verdict_of_final_policies(&error).await;
        let (mut latest, mut decided) = (None, None);
        for group in self.groups.iter().filter(|group| !is_final(group)) {
            if strictest != Verdict::Allow {
                // The hit is refused whatever an attempt returns, so none is made.
                strictest = if raises(group) {
                    Verdict::Raise
                } else {
                    strictest
                };
                continue;
            }
            match self.follow(group, &error).await {
                PolicyResult::First(output) => return Ok(Resolution::Decided(output)),
                PolicyResult::Other(output) if A::is_refusal(&output) => {
                    return Ok(Resolution::Decided(output));
                }
                PolicyResult::Other(output) => decided = Some(output),
                PolicyResult::Verdict(verdict, error) => {
                    strictest = stricter(strictest, verdict);
                    latest = error.or(latest);
                }
            }
        }
        let error = latest.unwrap_or(error);
        match (strictest, decided) {
            (Verdict::Raise, _) => Err(error),
            (Verdict::Throttle(wait), _) => Ok(Resolution::Throttled(wait, error)),
            (Verdict::Allow, Some(output)) => Ok(Resolution::Decided(output)),
            (Verdict::Allow, None) => Ok(Resolution::Allowed(error)),
        }
    }

    async fn verdict_of_final_policies(&self, error: &Error) -> Verdict {
        let mut strictest = Verdict::Allow;
        for group in self.groups.iter().filter(|group| is_final(group)) {
            let verdict = self.verdict(group, error, self.kind()).await;
            strictest = stricter(strictest, verdict);
        }
        strictest
    }
}

/// Returns `true` if a policy makes no attempt.
fn is_final(group: &PolicyGroup<'_>) -> bool {
    group.policy.steps().is_empty()
}
