//! Warnings about valid throttles that were probably not intended.

use crate::rate::Rate;
use crate::strategy::catalog::problem::{Problem, Subject, Warning};
use crate::strategy::catalog::spec::Spec;
use crate::strategy::catalog::unreachable::never_refuses;
use crate::strategy::kernel::schedule::Rule;
use crate::strategy::time_of_day::TimeOfDay;

const MINUTE: u64 = 60 * 1_000_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// Returns the warnings of a throttle without errors.
pub(super) fn warnings(spec: Option<&Spec>, rates: &[Rate], cost: Option<u64>) -> Vec<Problem> {
    let mut warnings = Vec::new();
    if rates.len() > 1 {
        warnings.extend((0..rates.len()).filter_map(|place| listed(spec, rates, place)));
    }
    if let Some(Spec::TimeOfDay(hours)) = spec {
        warnings.extend(by_hours(hours, rates));
    }
    if cost == Some(0) {
        let message = "a cost of 0 is always admitted and counts for nothing; write at least 1";
        warnings.push(Problem::warning(Subject::Cost, Warning::ZeroCost, message));
    }
    warnings
}

/// Returns the warning about a rate of a list.
fn listed(spec: Option<&Spec>, rates: &[Rate], place: usize) -> Option<Problem> {
    let (subject, rate) = (Subject::Rate(place), rates[place]);
    if rate.is_unlimited() {
        let message = "`0/0` limits nothing beside other rates; remove it from the list";
        return Some(Problem::warning(subject, Warning::UnlimitedRate, message));
    }
    let message = if rates[..place].contains(&rate) {
        format!("`{rate}` is in this list already; remove one of them")
    } else {
        let stricter = stricter(spec?, rates, place)?;
        format!(
            "`{rate}` is never reached: it refuses nothing that `{stricter}` admits; remove it or lower its limit"
        )
    };
    Some(Problem::warning(subject, Warning::UnreachableRate, message))
}

/// Returns the rate of a list beside which the one at this position never refuses. Of two
/// equivalent rates, the later one is unreachable.
fn stricter(spec: &Spec, rates: &[Rate], place: usize) -> Option<Rate> {
    let rate = rates[place];
    let decides = |other: usize, beside: Rate| {
        beside != rate
            && !beside.is_unlimited()
            && never_refuses(spec, rate, beside)
            && (other < place || !never_refuses(spec, beside, rate))
    };
    let mut others = rates.iter().enumerate();
    others
        .find(|(other, beside)| decides(*other, **beside))
        .map(|(_, beside)| *beside)
}

/// Returns the warnings about windows that do not fit the time of day (L19).
fn by_hours(hours: &TimeOfDay, rates: &[Rate]) -> Vec<Problem> {
    let (rules, _) = hours.settings();
    let limited = || {
        let rates = rates.iter().enumerate();
        rates.filter(|(_, rate)| !rate.is_unlimited())
    };
    let long = limited().filter(|(_, rate)| rate.period_micros() > DAY);
    let coarse = long.map(|(place, rate)| {
        let message = format!(
            "a window of `{rate}` is longer than a day, and the time of day at its start decides for all of it; use a rate of a day at most"
        );
        Problem::warning(Subject::Rate(place), Warning::CoarseRate, message)
    });
    let short = rules.iter().enumerate().filter_map(|(place, rule)| {
        // A rate with a warning of its own is reported once.
        let mut periods = limited().filter(|(_, rate)| rate.period_micros() <= DAY);
        let (_, rate) = periods.find(|(_, rate)| length(*rule) <= rate.period_micros())?;
        let message = format!(
            "`{}` is no longer than a window of `{rate}`, so one such window a day starts in it at most; use a shorter period",
            part(*rule)
        );
        Some(Problem::warning(Subject::Window(place), Warning::ShortWindow, message))
    });
    coarse.chain(short).collect()
}

/// Returns the length of a part of the day in microseconds.
fn length(rule: Rule) -> u64 {
    let (start, end) = (u64::from(rule.start) * MINUTE, u64::from(rule.end) * MINUTE);
    if start < end {
        end - start
    } else {
        end + DAY - start
    }
}

/// Returns a part of the day as text.
fn part(rule: Rule) -> String {
    let Rule { start, end, .. } = rule;
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", time(start), time(end))
}
