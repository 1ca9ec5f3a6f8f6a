//! Units of time and every word that names one.

use crate::suggest::{in_ascii, nearest};

pub(super) const MICROSECOND: u64 = 1;
pub(super) const MILLISECOND: u64 = 1_000 * MICROSECOND;
pub(super) const SECOND: u64 = 1_000 * MILLISECOND;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;
pub(super) const WEEK: u64 = 7 * DAY;

/// The longest period of a rate.
pub(super) const TEN_YEARS: u64 = 3_650 * DAY;

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) micros: u64,
    /// The names in lower case; the first is the shortest, which is printed.
    names: &'static [&'static str],
}

/// All units, from the shortest to the longest.
static UNITS: [Unit; 7] = [
    Unit::new(MICROSECOND, &["us", "microsecond", "microseconds"]),
    Unit::new(MILLISECOND, &["ms", "millisecond", "milliseconds"]),
    Unit::new(SECOND, &["s", "sec", "secs", "second", "seconds"]),
    Unit::new(MINUTE, &["m", "min", "mins", "minute", "minutes"]),
    Unit::new(HOUR, &["h", "hr", "hrs", "hour", "hours"]),
    Unit::new(DAY, &["d", "day", "days"]),
    Unit::new(WEEK, &["w", "week", "weeks"]),
];

/// Names of units elsewhere, where the nearest name would be the wrong unit or none is near.
const ELSEWHERE: [(&str, &str); 12] = [
    ("\u{b5}s", "us"),
    ("\u{3bc}s", "us"),
    ("usec", "us"),
    ("usecs", "us"),
    ("micros", "us"),
    ("microsec", "us"),
    ("msec", "ms"),
    ("msecs", "ms"),
    ("millis", "ms"),
    ("millisec", "ms"),
    ("wk", "week"),
    ("wks", "weeks"),
];

impl Unit {
    const fn new(micros: u64, names: &'static [&'static str]) -> Self {
        Self { micros, names }
    }

    /// Returns the unit of this name, in any case.
    pub(super) fn named(word: &str) -> Option<&'static Self> {
        UNITS.iter().find(|unit| {
            unit.names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(word))
        })
    }

    /// Returns the longest unit that divides a period.
    pub(super) fn dividing(micros: u64) -> &'static Self {
        let longest = UNITS
            .iter()
            .rev()
            .find(|unit| micros.is_multiple_of(unit.micros));
        longest.unwrap_or(&UNITS[0])
    }

    pub(super) fn symbol(&self) -> &'static str {
        self.names[0]
    }
}

/// Returns the unit that an unknown word was probably meant to name.
pub(super) fn suggest(word: &str) -> Option<&'static str> {
    let foreign = ELSEWHERE
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word));
    if let Some((_, unit)) = foreign {
        return Some(unit);
    }
    let word = in_ascii(word).replace(['_', '-'], "");
    let names = || UNITS.iter().flat_map(|unit| unit.names.iter().copied());
    nearest(&word, names()).or_else(|| names().find(|name| abbreviates(&word, name)))
}

/// Reports whether two letters are a short name without some of its letters, such as `dy` of `day`.
fn abbreviates(word: &str, name: &str) -> bool {
    const LONGEST_NAME: usize = 4;
    let word = word.to_ascii_lowercase();
    let [first, second] = *word.as_bytes() else {
        return false;
    };
    let rest = name.strip_prefix(char::from(first));
    name.len() <= LONGEST_NAME && rest.is_some_and(|rest| rest.contains(char::from(second)))
}
