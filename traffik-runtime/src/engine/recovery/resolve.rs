//! The first attempt: past the fallbacks that still count, on the first backend, with its policies
//! behind it.

use std::time::Duration;

use crate::engine::recovery::attempt::Attempt;
use crate::engine::recovery::resolution::{PolicyGroup, Resolution};
use crate::engine::recovery::run::Run;
use crate::engine::recovery::time_budget::waiting_attempts;
use crate::error::Error;

/// Tries the first backend, and lets the policies produce an answer within this time if it fails.
/// Each policy is asked about the whole set, and the strictest answer wins: raise, throttle, a
/// refusal, an admission, allow.
///
/// # Errors
///
/// The backend's error, where a policy raises it.
pub(crate) async fn resolve<A: Attempt>(
    attempt: &A,
    groups: &[PolicyGroup<'_>],
    budget: Duration,
) -> Result<Resolution<A::Output>, Error> {
    let run = Run::new(attempt, groups, budget);
    for (group, fallback) in run.warm_fallbacks() {
        if let Some(refusal) = attempt.refused_by(&fallback.store) {
            run.report_fallback(group, fallback);
            return Ok(Resolution::Decided(refusal));
        }
    }
    let later = groups
        .iter()
        .map(|group| waiting_attempts(group.policy.steps()));
    match run.try_first(later.max().unwrap_or_default()).await {
        Ok(output) if A::is_refusal(&output) => Ok(Resolution::Decided(output)),
        Ok(mut output) => {
            // A concurrent hit may have taken the room since the check above. Then `output` is
            // dropped, which refunds it.
            let refused = run.warm_fallbacks().find_map(|(group, fallback)| {
                let refused = attempt.mirror(&mut output, &fallback.store)?;
                run.report_fallback(group, fallback);
                Some(refused)
            });
            Ok(Resolution::Decided(refused.unwrap_or(output)))
        }
        Err(error) => run.recover(error).await,
    }
}

/// Lets the policies produce an answer within this time after the first attempt has failed.
///
/// # Errors
///
/// The backend's error, where a policy raises it.
pub(crate) async fn recover<A: Attempt>(
    attempt: &A,
    groups: &[PolicyGroup<'_>],
    budget: Duration,
    error: Error,
) -> Result<Resolution<A::Output>, Error> {
    Run::new(attempt, groups, budget).recover(error).await
}
