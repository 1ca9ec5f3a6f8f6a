//! What is legal, but was hardly meant.

use crate::rate::Rate;
use crate::strategy::catalog::problem::{Problem, Subject, Warning};
use crate::strategy::catalog::spec::Spec;
use crate::strategy::catalog::unreachable::never_refuses;
use crate::strategy::kernel::schedule::Rule;
use crate::strategy::time_of_day::TimeOfDay;

const MINUTE: u64 = 60 * 1_000_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// What is doubtful about a throttle in which nothing is wrong.
pub(super) fn doubts(spec: Option<&Spec>, rates: &[Rate], cost: Option<u64>) -> Vec<Problem> {
    let mut doubts = Vec::new();
    if rates.len() > 1 {
        doubts.extend((0..rates.len()).filter_map(|place| listed(spec, rates, place)));
    }
    if let Some(Spec::TimeOfDay(hours)) = spec {
        doubts.extend(by_hours(hours, rates));
    }
    if cost == Some(0) {
        let message = "a cost of 0 is always admitted and counts for nothing; write at least 1";
        doubts.push(Problem::warning(Subject::Cost, Warning::ZeroCost, message));
    }
    doubts
}

/// What is doubtful about a rate among others.
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

/// The rate of a list beside which the one at this place decides nothing; of two that are worth the same, the later one
/// is too many.
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

/// Where the time of day cannot decide as it was meant to (L19).
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
        // A rate that is doubtful itself says so once.
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

/// How long a part of the day is, in microseconds.
fn length(rule: Rule) -> u64 {
    let (start, end) = (u64::from(rule.start) * MINUTE, u64::from(rule.end) * MINUTE);
    if start < end {
        end - start
    } else {
        end + DAY - start
    }
}

/// A part of the day, as it is written.
fn part(rule: Rule) -> String {
    let Rule { start, end, .. } = rule;
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", time(start), time(end))
}
