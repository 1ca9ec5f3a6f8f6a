//! Reports on limits, and how several become one decision (L28).

use std::cmp::{Ordering, Reverse};
use std::time::Duration;

use crate::decision::{Decision, Provenance, Report};
use crate::observe::Outcome;
use crate::rate::Rate;
use crate::store::outcome::{LimitReport, StoreOutcome};

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
    let first = reports.enumerate().min_by_key(|(_, report)| rank(report));
    first.map(|(index, _)| index)
}

/// Returns the rank of a report among several: the least stands for all.
fn rank(report: &Report) -> (Reverse<Duration>, u64) {
    let wait = report.wait.unwrap_or(Duration::MAX);
    let remaining = if wait.is_zero() { report.remaining } else { 0 };
    (Reverse(wait), remaining)
}

/// Returns the outcome of a plan that was decided, for metrics; `None` if there is nothing to
/// report. Of a set that is refused, only those that refuse it are reported.
pub(crate) fn observed_outcome<'l>(
    admitted: bool,
    mut limits: impl Iterator<Item = &'l LimitReport>,
) -> Option<Outcome> {
    // A plan without a report was not decided: its backend failed, and its policy admits the hit.
    let first = limits.next()?;
    match (admitted, first.fits && limits.all(|limit| limit.fits)) {
        (true, true) => Some(Outcome::Admitted),
        (true, false) => Some(Outcome::Shadowed),
        (false, true) => None,
        (false, false) => Some(Outcome::Refused),
    }
}

/// Returns the report of a plan, or of several limits the one that binds.
pub(crate) fn binding_report<'l>(
    limits: impl Iterator<Item = &'l LimitReport> + Clone,
) -> Option<Report> {
    let reports = limits.map(|limit| &limit.report);
    let index = binding(reports.clone())?;
    reports.copied().nth(index)
}

/// Returns the decision of a set with this outcome. A set without limits is unlimited.
pub(crate) fn combined(outcome: &StoreOutcome) -> Decision {
    Decision {
        provenance: outcome.provenance,
        ..combine(outcome.admitted, outcome.wait, &outcome.limits)
    }
}

/// Returns the decision on several limits, with the wait of all of them.
pub(crate) fn combine(admitted: bool, wait: Option<Duration>, limits: &[LimitReport]) -> Decision {
    // Throttles in shadow count only if there are no others.
    let only_shadows = limits.iter().all(|limit| limit.shadow);
    let mut reports = limits
        .iter()
        .filter(|limit| only_shadows || !limit.shadow)
        .map(|limit| &limit.report);
    let Some(first) = reports.next() else {
        return Decision::unlimited();
    };
    let (mut binds, mut remaining, mut next, mut delay, mut count) =
        (first, first.remaining, first.next, first.delay, 1);
    for report in reports {
        if rank(report) < rank(binds) {
            binds = report;
        }
        // The least grows when all that are as low have grown.
        next = match report.remaining.cmp(&remaining) {
            Ordering::Less => report.next,
            Ordering::Equal => next.zip(report.next).map(|(one, other)| one.max(other)),
            Ordering::Greater => next,
        };
        remaining = remaining.min(report.remaining);
        delay = delay.max(report.delay);
        count += 1;
    }
    let wait = if count == 1 { binds.wait } else { wait };
    let report = Report {
        limit: binds.limit,
        remaining,
        wait,
        next,
        reset: binds.reset,
        delay,
    };
    Decision::new(admitted, report)
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
        provenance: Provenance::Fallback,
        ..Decision::new(wait.is_none(), report)
    }
}
