//! Reports on limits, and how several become one decision (L28).

use std::cmp::{Ordering, Reverse};
use std::time::Duration;

use crate::decision::{Decision, Provenance, Report};
use crate::observe::Outcome;
use crate::rate::Rate;
use crate::store::outcome::{LimitReport, Reports, StoreOutcome};
use crate::store::plan::Limit;

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
    let first = reports
        .enumerate()
        .min_by_key(|(_, report)| rank(report.wait, report.remaining));
    first.map(|(index, _)| index)
}

/// Returns the rank of a report among several: the least stands for all.
fn rank(wait: Option<Duration>, remaining: u64) -> (Reverse<Duration>, u64) {
    let wait = wait.unwrap_or(Duration::MAX);
    let remaining = if wait.is_zero() { remaining } else { 0 };
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
fn combine(admitted: bool, wait: Option<Duration>, limits: &[LimitReport]) -> Decision {
    // Throttles in shadow count only if there are no others.
    let only_shadows = limits.iter().all(|limit| limit.shadow);
    let mut combined = Combination::default();
    for limit in limits {
        if only_shadows || !limit.shadow {
            combined.combine(&limit.report);
        }
    }
    match combined.count {
        0 => Decision::unlimited(),
        1 => combined.decision(admitted),
        _ => {
            combined.report.wait = wait;
            combined.decision(admitted)
        }
    }
}

/// The reports on several limits, combined as they come in.
#[derive(Debug, Default)]
pub(crate) struct Combination {
    count: usize,
    /// The limit, the wait and the reset of the report that stands for all; of all reports the
    /// least remaining, the next that goes with it, and the longest delay.
    report: Report,
    /// The remaining of the report that stands for all.
    binding_remaining: u64,
    /// A bit for each plan with a limit that refuses the hit.
    refusing: u64,
}

impl Combination {
    #[inline(always)]
    fn combine(&mut self, report: &Report) {
        let is_first = self.count == 0;
        self.count += 1;
        let own = &mut self.report;
        if is_first || rank(report.wait, report.remaining) < rank(own.wait, self.binding_remaining)
        {
            (own.limit, own.wait, own.reset) = (report.limit, report.wait, report.reset);
            self.binding_remaining = report.remaining;
        }
        if is_first {
            (own.remaining, own.next, own.delay) = (report.remaining, report.next, report.delay);
            return;
        }
        // The least grows when all that are as low have grown.
        own.next = match report.remaining.cmp(&own.remaining) {
            Ordering::Less => report.next,
            Ordering::Equal => own.next.zip(report.next).map(|(one, other)| one.max(other)),
            Ordering::Greater => own.next,
        };
        own.remaining = own.remaining.min(report.remaining);
        own.delay = own.delay.max(report.delay);
    }

    /// Returns the report on all limits, with the longest wait of any.
    pub(crate) const fn report(&self) -> Report {
        self.report
    }

    /// Returns the decision, with the longest wait of any limit.
    pub(crate) const fn decision(&self, admitted: bool) -> Decision {
        Decision::new(admitted, self.report)
    }

    /// Returns `true` if a limit of the plan in this place refuses the hit.
    pub(crate) const fn is_refused_by(&self, plan: usize) -> bool {
        self.refusing & 1 << plan != 0
    }
}

impl Reports for Combination {
    #[inline]
    fn add(&mut self, plan: usize, _: &Limit, fits: bool, report: &Report) {
        self.refusing |= u64::from(!fits) << plan;
        self.combine(report);
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
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
