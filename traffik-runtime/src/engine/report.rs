//! What several laws say, put together (L28).

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use crate::decision::{Decision, Report};
use crate::definition::Definition;
use crate::rate::Rate;
use crate::store::outcome::StoreOutcome;

/// What one rate of one throttle said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) rate: Rate,
    /// The limit in force where a tier or the time of day sets it, otherwise the rate's own.
    pub(crate) quota: u64,
    /// Whether it is one of several rates of the throttle.
    pub(crate) listed: bool,
    /// Whether it alone would have admitted the hit.
    pub(crate) fits: bool,
    /// Nothing where no law has decided.
    pub(crate) report: Option<Report>,
}

/// One rate of one throttle, as header fields speak of it.
#[derive(Clone, Debug)]
pub(crate) struct Policy<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) rate: Rate,
    /// The limit in force where a tier or the time of day sets it, otherwise the rate's own.
    pub(crate) quota: u64,
    /// Whether it is one of several of the throttle, and so needs its rate to be told apart.
    pub(crate) listed: bool,
    /// Nothing where no law has decided: then only the policy is known.
    pub(crate) report: Option<Report>,
}

/// Which of several reports speaks for all: the one with the longest wait, if any has to be waited for, else the one
/// with the least remaining; the first of equals.
pub(crate) fn binding<'a>(reports: impl Iterator<Item = &'a Report>) -> Option<usize> {
    let speaks = |report: &Report| {
        let wait = report.wait.unwrap_or(Duration::MAX);
        let remaining = if wait.is_zero() { report.remaining } else { 0 };
        (Reverse(wait), remaining)
    };
    let first = reports.enumerate().min_by_key(|(_, report)| speaks(report));
    first.map(|(place, _)| place)
}

/// The decision of a set whose members said this; without members nothing is limited.
pub(crate) fn combined(outcome: &StoreOutcome) -> Decision {
    // Those in shadow have a say only where nobody else has.
    let only_shadows = outcome.limits.iter().all(|told| told.shadow);
    let told = || {
        let told = outcome.limits.iter();
        told.filter(|told| only_shadows || !told.shadow)
    };
    let reports = || told().map(|told| &told.report);
    let Some(binds) = binding(reports()).and_then(|place| reports().nth(place)) else {
        return Decision::unlimited();
    };
    if told().count() == 1 {
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

/// The decision where no law has decided: what the limit is, and how long a client that is refused is to wait.
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
