//! `TimeOfDay`: fixed windows whose limit depends on the time of day.

use std::borrow::Cow;

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::factor::{Factor, FactorError};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::schedule::{Hours, Rule};
use crate::strategy::kernel::state::State;
use crate::strategy::kernel::tick::EXACT;
use crate::strategy::{Hit, Who};

/// Fixed windows whose limit depends on the time of day at which they start.
///
/// The factor of a window is that of the first rule that holds at its first tick, or 1. A factor of
/// 0 admits nothing. Times are UTC plus an offset without daylight saving. The offset does not move
/// the windows.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: the sum of the limits of two adjacent windows in a stretch as long as a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeOfDay {
    rules: Cow<'static, [Rule]>,
    offset: i32,
    problem: Option<StrategyError>,
}

/// The state of a window by the time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TimeOfDayMetadata {
    /// The local hour of the window's first tick.
    pub hour: u64,
    /// The factor of the limit.
    #[serde(serialize_with = "super::factor::as_number")]
    pub time_multiplier: Factor,
    /// The limit in force.
    pub effective_limit: u64,
}

impl TimeOfDay {
    /// Makes a strategy with the rate's limit all day.
    pub const fn new() -> Self {
        Self::of(&[], 0)
    }

    /// Makes a strategy with these rules, in a local time this many minutes ahead of UTC.
    pub const fn of(rules: &'static [Rule], offset: i32) -> Self {
        Self {
            rules: Cow::Borrowed(rules),
            offset,
            problem: None,
        }
    }

    pub(super) fn with_rules(rules: Vec<Rule>, offset: i32) -> Self {
        Self {
            rules: rules.into(),
            offset,
            problem: None,
        }
    }

    /// Adds a rule: a part of the day such as `"08:00-18:00"`, which may wrap midnight, and the
    /// factor of the limit of its windows.
    #[must_use]
    pub fn window<E: Into<FactorError>>(
        mut self,
        part: &str,
        factor: impl TryInto<Factor, Error = E>,
    ) -> Self {
        let factor = factor
            .try_into()
            .map_err(|problem| StrategyError::Factor("a window's factor", problem.into()));
        match factor.and_then(|factor| rule(part, factor)) {
            Ok(rule) => self.rules.to_mut().push(rule),
            Err(problem) => self.problem = Some(problem),
        }
        self
    }

    /// Sets the offset of local time from UTC, such as `"+05:30"`; default `"+00:00"`.
    #[must_use]
    pub fn utc_offset(mut self, text: &str) -> Self {
        match offset(text) {
            Ok(offset) => self.offset = offset,
            Err(problem) => self.problem = Some(problem),
        }
        self
    }

    /// Returns the rules, and the offset of local time from UTC in minutes.
    pub fn settings(&self) -> (&[Rule], i32) {
        (&self.rules, self.offset)
    }

    fn check(&self) -> Result<(), StrategyError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        match self.covered() {
            Some(_) => Err(StrategyError::Range(
                "a time window is covered by earlier ones; remove it or put it first",
            )),
            None => Ok(()),
        }
    }

    /// Returns the first rule that never applies, since earlier ones hold at all its times.
    pub(super) fn covered(&self) -> Option<usize> {
        let covered = |place: &usize| {
            let (rule, earlier) = (self.rules[*place], &self.rules[..*place]);
            !(0..24 * 60)
                .any(|minute| rule.holds(minute) && !earlier.iter().any(|rule| rule.holds(minute)))
        };
        (0..self.rules.len()).find(covered)
    }
}

/// Parses a rule: `08:00-18:00`.
pub(super) fn rule(part: &str, factor: Factor) -> Result<Rule, StrategyError> {
    const WANTED: StrategyError = StrategyError::Range(
        "a time window is two times of day, such as `08:00-18:00`; the last is `24:00`",
    );
    let (start, end) = part.split_once('-').ok_or(WANTED)?;
    let start = minute(start.trim())
        .filter(|minute| *minute < 24 * 60)
        .ok_or(WANTED)?;
    let end = minute(end.trim()).ok_or(WANTED)?;
    if start == end {
        return Err(StrategyError::Range(
            "a time window from a time to itself is empty; the whole day is `00:00-24:00`",
        ));
    }
    Ok(Rule { start, end, factor })
}

/// Parses an offset: `+05:30`.
pub(super) fn offset(text: &str) -> Result<i32, StrategyError> {
    const WANTED: StrategyError = StrategyError::Range(
        "`utc_offset` is a sign, hours and minutes from `-12:00` to `+14:00`, such as `+05:30`",
    );
    let (sign, time) = match text.split_at_checked(1) {
        Some(("+", time)) => (1, time),
        Some(("-", time)) => (-1, time),
        _ => return Err(WANTED),
    };
    let offset = sign * i32::from(minute(time).ok_or(WANTED)?);
    if (-12 * 60..=14 * 60).contains(&offset) {
        Ok(offset)
    } else {
        Err(WANTED)
    }
}

/// Parses a minute of the day, up to 24:00.
fn minute(time: &str) -> Option<u16> {
    let (hours, minutes) = time.split_once(':')?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            text.parse::<u16>().ok()
        } else {
            None
        }
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 24 * 60).then_some(minute)
}

impl BuiltIn for TimeOfDay {
    type Metadata = TimeOfDayMetadata;

    const NAME: &'static str = "time_of_day";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        self.check()?;
        let limits = self.rules.iter().map(|rule| rule.factor.of(rate.limit()));
        if limits.max().is_some_and(|limit| limit > EXACT) {
            return Err(StrategyError::EffectiveLimit(rate));
        }
        Ok(Law::Hours(Hours::new(rate, &self.rules, self.offset)))
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> TimeOfDayMetadata {
        const MINUTE: u64 = 60_000_000;
        const DAY: i32 = 24 * 60;
        let (start, factor) = match law {
            Law::Hours(law) => {
                let (start, _) = law.window_at(state.packed(), hit.now);
                (start, law.factor(start))
            }
            _ => (hit.now, Factor::ONE),
        };
        let utc = (start / MINUTE % u64::from(DAY.unsigned_abs())) as u32;
        let local = (utc.cast_signed() + self.offset).rem_euclid(DAY);
        TimeOfDayMetadata {
            hour: u64::from(local.unsigned_abs()) / 60,
            time_multiplier: factor,
            effective_limit: factor.of(hit.rate.limit()),
        }
    }
}
