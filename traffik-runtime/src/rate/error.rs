//! Errors in the text of a rate or a duration.

use std::fmt;

use thiserror::Error;

use crate::suggest::{did_you_mean, in_ascii, look_alike};

/// A mistake in a rate or a duration, and what to write instead.
///
/// ```
/// use traffik::{Rate, RateError};
///
/// let error = "100/minut".parse::<Rate>().unwrap_err();
/// assert!(matches!(error, RateError::UnknownUnit { suggestion: Some("minute"), .. }));
/// assert_eq!(error.to_string(), "unknown unit `minut`; did you mean `minute`?");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RateError {
    /// An empty rate.
    #[error("the rate is empty; write a limit and a period, such as `100/minute`")]
    Empty,
    /// An empty duration.
    #[error("the duration is empty; write a number and a unit, such as `500ms`")]
    EmptyDuration,
    /// White space other than ASCII space, tab, line feed, carriage return and form feed.
    #[error("white space U+{:04X} is not accepted; write an ordinary space", u32::from(*.0))]
    ForeignSpace(char),
    /// Neither `/` nor `per`.
    #[error(
        "no separator in `{0}`; {look}write `/` or `per` before the period, such as `100/minute`",
        look = LookAlike(.0)
    )]
    NoSeparator(Excerpt),
    /// More than one `/` or `per`.
    #[error("two separators in `{0}`; write one `/` or one `per`, such as `5/10s`")]
    TwoSeparators(Excerpt),
    /// No limit before the separator, which is the value.
    #[error("no limit before `{0}`; write one, such as `100/minute`")]
    NoLimit(Excerpt),
    /// No unit after the separator or the number, which is the value.
    #[error("no unit after `{0}`; write one, such as `s` or `minutes`")]
    NoUnit(Excerpt),
    /// No number in a duration before the unit, which is the value.
    #[error("no number before `{0}`; write one, such as `1{0}`")]
    NoNumber(&'static str),
    /// A number below zero.
    #[error("the {0} `{1}` is negative; write a positive whole number")]
    Negative(Part, Excerpt),
    /// A number with a plus sign.
    #[error("the {0} `{1}` has a sign; leave it out")]
    Signed(Part, Excerpt),
    /// A number with a decimal point.
    #[error("the {0} `{1}` is a fraction; write a whole number, if need be {w}", w = .0.whole())]
    Fraction(Part, Excerpt),
    /// Something other than digits stands where a number belongs.
    #[error("the {0} `{1}` is not a number; write digits, such as `100` or `1_000`")]
    NotANumber(Part, Excerpt),
    /// A digit of another script.
    #[error("`{0}` is not an ASCII digit; write `0` to `9`")]
    ForeignDigit(char),
    /// A `_` at either end of a number, or beside another one.
    #[error("a `_` in `{0}` does not stand between two digits; write it as in `1_000`")]
    Grouping(Excerpt),
    /// A limit of zero that is not part of `0/0`.
    #[error("{ZERO_LIMIT}")]
    ZeroLimit,
    /// A limit over 2^53, up to which every store counts exactly.
    #[error("the limit `{0}` is over 9007199254740992; write a smaller one over a shorter period")]
    LimitTooLarge(Excerpt),
    /// An unknown unit, and the nearest name if there is one.
    #[error("unknown unit `{unit}`; {}", Hint(unit, *suggestion))]
    UnknownUnit {
        /// The word.
        unit: Excerpt,
        /// The unit that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// More text after the unit.
    #[error(
        "unexpected `{0}` after the unit; leave it out, or write one unit: `90s`, not `1m 30s`"
    )]
    Trailing(Excerpt),
    /// A period of zero.
    #[error("{ZERO_PERIOD}")]
    ZeroPeriod,
    /// A period with a part below a microsecond.
    #[error("{PERIOD_NOT_WHOLE}")]
    PeriodNotWhole,
    /// A period over ten years.
    #[error("{PERIOD_TOO_LONG}")]
    PeriodTooLong,
    /// A duration over ten years.
    #[error("the duration is over ten years; write at most 3650 days")]
    DurationTooLong,
}

const ZERO_LIMIT: &str =
    "the limit is 0; write at least 1, or `0/0` (`Rate::UNLIMITED`) for no limit";
const LIMIT_TOO_LARGE: &str =
    "the limit is over 9007199254740992; write a smaller one over a shorter period";
const ZERO_PERIOD: &str = "the period is 0; write at least one microsecond";
const PERIOD_NOT_WHOLE: &str = "the period is not a whole number of microseconds; round it to one";
const PERIOD_TOO_LONG: &str = "the period is over ten years; write at most 3650 days";

impl RateError {
    /// Panics with the message, which `const` code cannot format.
    #[track_caller]
    pub(super) const fn panic(self) -> ! {
        panic!(
            "{}",
            match self {
                Self::ZeroLimit => ZERO_LIMIT,
                Self::LimitTooLarge(_) => LIMIT_TOO_LARGE,
                Self::ZeroPeriod => ZERO_PERIOD,
                Self::PeriodNotWhole => PERIOD_NOT_WHOLE,
                Self::PeriodTooLong => PERIOD_TOO_LONG,
                _ => "this is not a rate",
            }
        )
    }
}

/// The number that a mistake is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The limit of a rate: the `5` of `5/10s`.
    Limit,
    /// The multiplier of a rate's unit: the `10` of `5/10s`.
    Multiplier,
    /// The number of a duration: the `500` of `500ms`.
    Number,
}

impl Part {
    fn whole(self) -> &'static str {
        match self {
            Self::Limit => "over a longer period: `11/2s` for `5.5/s`",
            Self::Multiplier | Self::Number => "of a smaller unit: `1500ms` for `1.5s`",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limit => "limit",
            Self::Multiplier => "multiplier",
            Self::Number => "number",
        })
    }
}

struct Hint<'a>(&'a Excerpt, Option<&'static str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(unit) => f.write_str(&did_you_mean(self.0.as_str(), unit)),
            None => f.write_str("write one of `us`, `ms`, `s`, `m`, `h`, `d`, `w`"),
        }
    }
}

/// Characters that look like a slash.
const SLASHES: [char; 4] = ['\u{2044}', '\u{2215}', '\u{29f8}', '\u{ff0f}'];

/// A remark about a character that only looks like a part of a separator.
struct LookAlike<'a>(&'a Excerpt);

impl fmt::Display for LookAlike<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.as_str();
        let has_per = in_ascii(text).to_ascii_lowercase().contains("per");
        let misleads = |character: &char| {
            SLASHES.contains(character) || (has_per && look_alike(*character).is_some())
        };
        match text.chars().find(misleads) {
            Some(character) => {
                let code = u32::from(character);
                write!(f, "`{character}` (U+{code:04X}) only looks like one; ")
            }
            None => Ok(()),
        }
    }
}

/// A piece of the text that was refused, fit for a message: one line of it at most, cut short with
/// `…` where it is long, control characters escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Excerpt {
    bytes: [u8; Self::LONGEST + Self::CUT.len()],
    length: usize,
}

impl Excerpt {
    const LONGEST: usize = 60;
    const CUT: &'static str = "…";

    pub(super) fn of(text: &str) -> Self {
        let mut line = String::new();
        for character in text.chars() {
            let shown = line.len();
            match character {
                '\'' | '"' => line.push(character),
                _ => line.extend(character.escape_debug()),
            }
            if line.len() > Self::LONGEST || matches!(character, '\n' | '\r') {
                line.truncate(shown);
                line.push_str(Self::CUT);
                break;
            }
        }
        let mut bytes = [0; Self::LONGEST + Self::CUT.len()];
        bytes[..line.len()].copy_from_slice(line.as_bytes());
        Self {
            bytes,
            length: line.len(),
        }
    }

    /// The digits of a number, which `const` code cannot format.
    pub(super) const fn of_number(mut number: u64) -> Self {
        let mut length = 1;
        let mut rest = number / 10;
        while rest > 0 {
            length += 1;
            rest /= 10;
        }
        let mut bytes = [0; Self::LONGEST + Self::CUT.len()];
        let mut place = length;
        while place > 0 {
            place -= 1;
            bytes[place] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        Self { bytes, length }
    }

    /// The piece of text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
