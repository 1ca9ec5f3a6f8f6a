//! The grammar of rates, `5/10s`, and of durations, `500ms`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::rate::error::{Excerpt, Part, RateError};
use crate::rate::unit::{TEN_YEARS, Unit};
use crate::rate::{LARGER, Rate, unit};

const SPACES: [char; 5] = [' ', '\t', '\n', '\r', '\u{c}'];

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        read(text, 1)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Rate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate such as `100/minute`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Rate, E> {
                rate_or_closed(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Parses a rate, also one with a limit of 0, which admits nothing.
pub(crate) fn rate_or_closed(text: &str) -> Result<Rate, RateError> {
    read(text, 0)
}

fn read(text: &str, least: u64) -> Result<Rate, RateError> {
    let text = trimmed(text)?;
    if text.is_empty() {
        return Err(RateError::Empty);
    }
    let (limit, separator, period) = split(text)?;
    if (limit, separator, period) == ("0", "/", "0") {
        return Ok(Rate::UNLIMITED);
    }
    let limit = whole_limit(limit, separator)?;
    if limit < least {
        return Err(RateError::ZeroLimit);
    }
    if period.is_empty() {
        return Err(RateError::NoUnit(Excerpt::of(separator)));
    }
    let (multiplier, unit) = span(period, Part::Multiplier)?;
    let micros = multiplier.unwrap_or(1).saturating_mul(unit.micros);
    // A limit of 1 has the same periods.
    let rate = Rate::from_micros(limit.max(1), micros)?;
    Ok(Rate { limit, ..rate })
}

/// Parses a duration: a whole number and a unit, in the grammar of a rate's period. Zero is a
/// duration.
///
/// ```
/// use std::time::Duration;
/// use traffik::rate::parse_duration;
///
/// assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
/// assert_eq!(parse_duration(" 2 Minutes "), Ok(Duration::from_secs(120)));
/// assert_eq!(parse_duration("1_000us"), Ok(Duration::from_millis(1)));
/// assert_eq!(parse_duration("0ms"), Ok(Duration::ZERO));
///
/// let error = parse_duration("ms").unwrap_err();
/// assert_eq!(error.to_string(), "no number before `ms`; write one, such as `1ms`");
/// ```
///
/// # Errors
///
/// [`RateError`] if the number or the unit is missing or malformed, if more text follows, and over
/// ten years (3650 days).
pub fn parse_duration(text: &str) -> Result<Duration, RateError> {
    let text = trimmed(text)?;
    if text.is_empty() {
        return Err(RateError::EmptyDuration);
    }
    let (number, unit) = span(text, Part::Number)?;
    let number = number.ok_or(RateError::NoNumber(unit.symbol()))?;
    match number.saturating_mul(unit.micros) {
        micros @ 0..=TEN_YEARS => Ok(Duration::from_micros(micros)),
        _ => Err(RateError::DurationTooLong),
    }
}

fn trimmed(text: &str) -> Result<&str, RateError> {
    let foreign = |character: &char| character.is_whitespace() && !SPACES.contains(character);
    match text.chars().find(foreign) {
        Some(space) => Err(RateError::ForeignSpace(space)),
        None => Ok(text.trim_matches(SPACES)),
    }
}

/// Splits a rate into limit, separator and period, each without spaces around it.
fn split(text: &str) -> Result<(&str, &str, &str), RateError> {
    let first =
        separator(text, |_| true).ok_or_else(|| RateError::NoSeparator(Excerpt::of(text)))?;
    let (limit, period) = (&text[..first.start], &text[first.end..]);
    // The first `per` may stand before a misspelt unit; behind it, or behind `/`, a misspelt unit
    // may begin with `per`.
    let second = separator(period, |word| {
        word.is_empty() || Unit::named(word).is_some()
    });
    match second {
        Some(_) => Err(RateError::TwoSeparators(Excerpt::of(text))),
        None => Ok((
            limit.trim_matches(SPACES),
            &text[first],
            period.trim_matches(SPACES),
        )),
    }
}

/// Returns the position of the first `/`, or of the first `per` that begins a word whose other
/// letters are accepted.
fn separator(text: &str, accepts: impl Fn(&str) -> bool) -> Option<Range<usize>> {
    let mut in_word = false;
    for (at, character) in text.char_indices() {
        if character == '/' {
            return Some(at..at + 1);
        }
        if !in_word && after_per(&text[at..]).is_some_and(|rest| accepts(split_word(rest).0)) {
            return Some(at..at + 3);
        }
        in_word = character.is_alphabetic();
    }
    None
}

fn after_per(text: &str) -> Option<&str> {
    let (per, rest) = text.split_at_checked(3)?;
    per.eq_ignore_ascii_case("per").then_some(rest)
}

fn whole_limit(text: &str, separator: &str) -> Result<u64, RateError> {
    if text.is_empty() {
        return Err(RateError::NoLimit(Excerpt::of(separator)));
    }
    match number(text, Part::Limit)? {
        LARGER.. => Err(RateError::LimitTooLarge(Excerpt::of(text))),
        limit => Ok(limit),
    }
}

/// Parses an optional number and a unit, with nothing after it.
fn span(text: &str, part: Part) -> Result<(Option<u64>, &'static Unit), RateError> {
    let end = text
        .find(|character| !is_number_like(character))
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let digits = digits.trim_matches(SPACES);
    let number = if digits.is_empty() {
        None
    } else {
        Some(number(digits, part)?)
    };
    if rest.is_empty() {
        return Err(RateError::NoUnit(Excerpt::of(digits)));
    }
    Ok((number, only_unit(rest)?))
}

/// Reports whether a character may be part of a text that was meant as one number. Not every such
/// text is a number.
fn is_number_like(character: char) -> bool {
    character.is_numeric() || SPACES.contains(&character) || "_.,+-".contains(character)
}

fn only_unit(text: &str) -> Result<&'static Unit, RateError> {
    let (word, rest) = match split_word(text) {
        ("", sign) => (sign, ""),
        split => split,
    };
    let unit = Unit::named(word).ok_or_else(|| {
        let word = joined_word(text, word);
        RateError::UnknownUnit {
            unit: Excerpt::of(word),
            suggestion: unit::suggest(word),
        }
    })?;
    match rest.trim_matches(SPACES) {
        "" => Ok(unit),
        rest => Err(RateError::Trailing(Excerpt::of(rest))),
    }
}

/// Returns the word that a text begins with together with those that `_` or `-` joins to it:
/// `milli_seconds`.
fn joined_word<'a>(text: &'a str, first: &'a str) -> &'a str {
    let mut end = first.len();
    while let Some(rest) = text[end..].strip_prefix(['_', '-']) {
        match split_word(rest).0 {
            "" => break,
            word => end += 1 + word.len(),
        }
    }
    &text[..end]
}

/// Splits a text after the letters it begins with.
fn split_word(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_alphabetic())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Parses a whole number; larger ones become [`u64::MAX`].
fn number(text: &str, part: Part) -> Result<u64, RateError> {
    if !is_decimal(text) || text.contains('.') {
        return Err(no_whole_number(text, part));
    }
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return Err(RateError::Grouping(Excerpt::of(text)));
    }
    let digits = text.chars().filter_map(|character| character.to_digit(10));
    Ok(digits.fold(0, |value: u64, digit| {
        value.saturating_mul(10).saturating_add(digit.into())
    }))
}

fn no_whole_number(text: &str, part: Part) -> RateError {
    let foreign = |character: &char| character.is_numeric() && !character.is_ascii();
    let excerpt = Excerpt::of(text);
    if let Some(digit) = text.chars().find(foreign) {
        RateError::ForeignDigit(digit)
    } else if text.strip_prefix('-').is_some_and(is_decimal) {
        RateError::Negative(part, excerpt)
    } else if text.strip_prefix('+').is_some_and(is_decimal) {
        RateError::Signed(part, excerpt)
    } else if is_decimal(text) {
        RateError::Fraction(part, excerpt)
    } else {
        RateError::NotANumber(part, excerpt)
    }
}

/// Reports whether a text is digits, grouped or not, with at most one decimal point.
fn is_decimal(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit();
    let allowed = |byte: u8| digit(byte) || matches!(byte, b'_' | b'.');
    text.bytes().all(allowed) && text.bytes().any(digit) && text.matches('.').count() <= 1
}
