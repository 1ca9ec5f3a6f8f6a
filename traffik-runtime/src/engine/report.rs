//! Reports on limits, and how several become one decision (L28).

use std::cmp::Reverse;
use std::time::Duration;

use crate::decision::{Decision, Report};
use crate::rate::Rate;
use crate::store::outcome::StoreOutcome;

/// The report on one limit. `T` is its throttle, or the name of the throttle's policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitStatus<T> {
    pub(crate) throttle: T,
    pub(crate) rate: Rate,
    /// The limit in force, where a tier or the time of day sets it; otherwise the rate's own.
    pub(crate) quota: u64,
    /// `true` if the throttle has several rates, so that a header field names this one's.
    pub(crate) listed: bool,
    /// `true` if this limit alone would have admitted the hit.
    pub(crate) fits: bool,
    /// The report of the law; `None` if no law has decided.
    pub(crate) report: Option<Report>,
}

impl<T> LimitStatus<T> {
    /// Returns the report with a value derived from its throttle.
    pub(crate) fn map_throttle<'t, U>(&'t self, map: impl FnOnce(&'t T) -> U) -> LimitStatus<U> {
        LimitStatus {
            throttle: map(&self.throttle),
            rate: self.rate,
            quota: self.quota,
            listed: self.listed,
            fits: self.fits,
            report: self.report,
        }
    }
}

/// Returns the index of the report that stands for all: the one with the longest wait, or, if none
/// has to wait, the one with the least remaining; the first of equals.
pub(crate) fn binding<'a>(reports: impl Iterator<Item = &'a Report>) -> Option<usize> {
    let rank = |report: &Report| {
        let wait = report.wait.unwrap_or(Duration::MAX);
        let remaining = if wait.is_zero() { report.remaining } else { 0 };
        (Reverse(wait), remaining)
    };
    let first = reports.enumerate().min_by_key(|(_, report)| rank(report));
    first.map(|(index, _)| index)
}

/// Returns the decision of a set with this outcome. A set without limits is unlimited.
pub(crate) fn combined(outcome: &StoreOutcome) -> Decision {
    // Throttles in shadow count only if there are no others.
    let only_shadows = outcome.limits.iter().all(|limit| limit.shadow);
    let limits = || {
        let limits = outcome.limits.iter();
        limits.filter(|limit| only_shadows || !limit.shadow)
    };
    let reports = || limits().map(|limit| &limit.report);
    let Some(binds) = binding(reports()).and_then(|index| reports().nth(index)) else {
        return Decision::unlimited();
    };
    if limits().count() == 1 {
        return Decision::new(outcome.admitted, *binds);
    }
    let least = reports().map(|report| report.remaining).min();
    let remaining = least.unwrap_or(u64::MAX);
    let scarcest = reports().filter(|report| report.remaining == remaining);
    let report = Report {
        remaining,
        wait: outcome.wait,
        // The least grows when all that are as low have grown.
        next: scarcest
            .map(|report| report.next.unwrap_or(Duration::MAX))
            .max()
            .filter(|next| *next < Duration::MAX),
        delay: reports()
            .map(|report| report.delay)
            .max()
            .unwrap_or_default(),
        ..*binds
    };
    Decision::new(outcome.admitted, report)
}

/// Returns the decision where no law has decided: a refusal for this wait, or an admission.
pub(crate) fn undecided(limit: u64, wait: Option<Duration>) -> Decision {
    let report = Report {
        limit,
        wait,
        ..Report::default()
    };
    Decision {
        decided: false,
        ..Decision::new(wait.is_none(), report)
    }
}
