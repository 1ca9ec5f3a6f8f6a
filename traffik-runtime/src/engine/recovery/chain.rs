//! The steps of one policy, until one has an answer.

use crate::engine::recovery::attempt::Attempt;
use crate::engine::recovery::resolution::PolicyGroup;
use crate::engine::recovery::retries::Retries;
use crate::engine::recovery::run::Run;
use crate::engine::recovery::time_budget::waiting_attempts;
use crate::error::Error;
use crate::observe;
use crate::on_error::step::Step;
use crate::on_error::verdict::Verdict;

/// The result of a policy.
pub(super) enum PolicyResult<T> {
    /// A retry of the first backend has decided.
    First(T),
    /// Another backend has decided.
    Other(T),
    /// None has decided. The error is the latest, if there was one after the first.
    Verdict(Verdict, Option<Error>),
}

impl<A: Attempt> Run<'_, A> {
    /// Follows the steps of a policy until one has an answer to the first error.
    pub(super) async fn follow(
        &self,
        group: &PolicyGroup<'_>,
        first: &Error,
    ) -> PolicyResult<A::Output> {
        let mut latest: Option<Error> = None;
        let mut backend = self.kind();
        let steps = group.policy.steps();
        for (index, step) in steps.iter().enumerate() {
            let later = waiting_attempts(&steps[index + 1..]);
            let error = latest.as_ref().unwrap_or(first);
            match self.retry_by(step, group, later, error).await {
                Ok(output) => return PolicyResult::First(output),
                Err(error) => latest = error.or(latest),
            }
            let error = latest.as_ref().unwrap_or(first);
            let fallback = step.fallback();
            let Some(fallback) = fallback.filter(|fallback| fallback.on.matches(error)) else {
                continue;
            };
            match self.try_fallback(group, fallback, later).await {
                Ok(output) => return PolicyResult::Other(output),
                Err(error) => {
                    backend = fallback.store.kind();
                    observe::backend_failed(backend, &error);
                    latest = Some(error);
                }
            }
        }
        let error = latest.as_ref().unwrap_or(first);
        let verdict = self.verdict(group, error, backend).await;
        PolicyResult::Verdict(verdict, latest)
    }

    /// Retries the first backend, if a step does so. Returns the latest error, if there was a
    /// retry.
    async fn retry_by(
        &self,
        step: &Step,
        group: &PolicyGroup<'_>,
        later: u32,
        error: &Error,
    ) -> Result<A::Output, Option<Error>> {
        match step {
            Step::Retry(retry) => {
                let retries = Retries {
                    max: retry.max_retries,
                    may_wait: retry.blocking_attempts() > 0,
                    later,
                    backoff: &retry.backoff,
                };
                let is_retried = |error: &Error| retry.retries(error);
                self.retry(group, retries, error, is_retried).await
            }
            Step::Failover(failover) => {
                let retries = Retries {
                    max: failover.max_retries,
                    may_wait: false,
                    later: later + failover.fallback.blocking_attempts(),
                    backoff: &failover.backoff,
                };
                self.retry(group, retries, error, has_not_counted).await
            }
            Step::Fallback(_) => Err(None),
        }
    }
}

/// Returns `true` if an error is transient and the hit has certainly not counted.
fn has_not_counted(error: &Error) -> bool {
    error.is_transient() && !error.may_have_counted() && !error.is_open_circuit()
}
