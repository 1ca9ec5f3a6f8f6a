//! Rates: a limit of units in a period.
//!
//! A [`Rate`] is a limit and a period: `100/minute` is a limit of 100 in a period of one minute. It
//! is written as text, which the macros read with the same parser, or built in Rust, also in a
//! `const`.
//!
//! ```
//! use std::time::Duration;
//! use traffik::Rate;
//!
//! const UPLOADS: Rate = Rate::of(20).minutes(2);
//!
//! let rate: Rate = "20 per 2 mins".parse()?;
//! assert_eq!(rate, UPLOADS);
//! assert_eq!((rate.limit(), rate.period()), (20, Duration::from_secs(120)));
//! assert_eq!(rate.to_string(), "20/2m");
//! # Ok::<(), traffik::RateError>(())
//! ```
//!
//! # The text
//!
//! A limit, `/` or `per`, and a unit with or without a whole number before it: `5/s`, `5/10s`, `5
//! per 10 seconds`. Upper and lower case are equal, spaces may stand around every part, and a `_`
//! between two digits groups them: `1_000/s`. The units:
//!
//! | unit | words |
//! |---|---|
//! | microsecond | `us`, `microsecond`, `microseconds` |
//! | millisecond | `ms`, `millisecond`, `milliseconds` |
//! | second | `s`, `sec`, `secs`, `second`, `seconds` |
//! | minute | `m`, `min`, `mins`, `minute`, `minutes` |
//! | hour | `h`, `hr`, `hrs`, `hour`, `hours` |
//! | day | `d`, `day`, `days` |
//! | week | `w`, `week`, `weeks` |
//!
//! `0/0` is [unlimited](Rate::UNLIMITED). The longest period is ten years: 3650 days.

pub(crate) mod builders;
pub(crate) mod error;
pub(crate) mod parse;
#[cfg(test)]
mod tests;
pub(crate) mod unit;

pub use error::{Excerpt, Part, RateError};
pub use parse::parse_duration;

use std::fmt;
use std::time::Duration;

use serde::ser::{Serialize, Serializer};

use crate::rate::unit::{DAY, HOUR, MINUTE, SECOND, TEN_YEARS, Unit};

/// The least number that is too large to be a limit.
const LARGER: u64 = (1 << 53) + 1;

/// A limit in a period, or no limit at all.
///
/// The limit is at most 2^53 (9 007 199 254 740 992), the largest number up to which every store
/// counts exactly. The period is a whole number of microseconds, at least one and at most ten
/// years. Rates are equal when limit and period are: `1/60s` is `1/minute`, but `2/2m` is another
/// rate.
///
/// Printed, it is the shortest text that gives the same rate again, in the longest unit that fits:
/// `5/10s`, `100/m`. Serde writes that text, and reads every text that
/// [`FromStr`](std::str::FromStr) accepts and those of [closed](Rate::closed) rates.
///
/// ```
/// use traffik::Rate;
///
/// let rate: Rate = "  10  /  60  Seconds".parse()?;
/// assert_eq!(rate, Rate::per_minute(10));
/// assert_eq!(rate.to_string(), "10/m");
/// # Ok::<(), traffik::RateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    limit: u64,
    micros: u64,
}

/// A limit that has no period yet: [`Rate::of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a limit is not a rate until it has a period"]
pub struct RateOf {
    limit: u64,
}

impl Rate {
    /// The longest period, in microseconds.
    #[cfg(feature = "engine")]
    pub(crate) const LONGEST_MICROS: u64 = unit::TEN_YEARS;

    /// No limit: every hit is admitted without a backend. Its text is `0/0`.
    pub const UNLIMITED: Self = Self {
        limit: 0,
        micros: 0,
    };

    /// Makes a rate of `limit` in `period`. Use [`try_new`](Self::try_new) for numbers that may be
    /// invalid.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::Rate;
    ///
    /// const RATE: Rate = Rate::new(100, Duration::from_secs(60));
    /// assert_eq!(RATE, Rate::per_minute(100));
    /// ```
    ///
    /// An invalid rate in a `const` does not compile:
    ///
    /// ```compile_fail,E0080
    /// use std::time::Duration;
    /// use traffik::Rate;
    ///
    /// const RATE: Rate = Rate::new(100, Duration::ZERO);
    /// ```
    ///
    /// # Panics
    ///
    /// If [`try_new`](Self::try_new) returns an error.
    #[track_caller]
    pub const fn new(limit: u64, period: Duration) -> Self {
        Self::checked(Self::try_new(limit, period))
    }

    /// Makes a rate of `limit` in `period`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::{Rate, RateError};
    ///
    /// assert_eq!(Rate::try_new(5, Duration::from_secs(1)), Ok(Rate::per_second(5)));
    /// assert_eq!(Rate::try_new(0, Duration::from_secs(1)), Err(RateError::ZeroLimit));
    /// assert_eq!(Rate::try_new(5, Duration::from_nanos(10)), Err(RateError::PeriodNotWhole));
    /// ```
    ///
    /// # Errors
    ///
    /// [`RateError`] if the limit is 0 or over 2^53 (9 007 199 254 740 992), or the period is 0,
    /// not a whole number of microseconds, or over ten years (3650 days).
    pub const fn try_new(limit: u64, period: Duration) -> Result<Self, RateError> {
        if !period.subsec_nanos().is_multiple_of(1_000) {
            return Err(RateError::PeriodNotWhole);
        }
        // A saturated sum is over ten years all the same.
        let seconds = period.as_secs().saturating_mul(SECOND);
        Self::from_micros(limit, seconds.saturating_add(period.subsec_micros() as u64))
    }

    const fn from_micros(limit: u64, micros: u64) -> Result<Self, RateError> {
        match (limit, micros) {
            (0, _) => Err(RateError::ZeroLimit),
            (LARGER.., _) => Err(RateError::LimitTooLarge(Excerpt::of_number(limit))),
            (_, 0) => Err(RateError::ZeroPeriod),
            (_, 1..=TEN_YEARS) => Ok(Self { limit, micros }),
            _ => Err(RateError::PeriodTooLong),
        }
    }

    #[track_caller]
    const fn checked(rate: Result<Self, RateError>) -> Self {
        match rate {
            Ok(rate) => rate,
            Err(error) => error.panic(),
        }
    }

    /// Makes a rate that admits nothing under any strategy: an operator's switch for a throttle
    /// that is to refuse every hit of cost 1 and above until it gets another rate. Its text is
    /// `0/m` for a period of a minute.
    ///
    /// [`FromStr`](std::str::FromStr) and the macros refuse that text, which is mostly a mistake.
    /// Overrides files and serde read it as this rate. Earlier hits stay counted as long as under
    /// the former rate; the period only tells which of several rates is closed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::Rate;
    ///
    /// const CLOSED: Rate = Rate::closed(Duration::from_secs(60));
    /// assert!(CLOSED.is_closed() && !CLOSED.is_unlimited());
    /// assert_eq!((CLOSED.limit(), CLOSED.to_string().as_str()), (0, "0/m"));
    /// ```
    ///
    /// # Panics
    ///
    /// If the period is 0, not a whole number of microseconds, or over ten years (3650 days).
    #[track_caller]
    pub const fn closed(period: Duration) -> Self {
        // A limit of 1 has the same periods.
        Self {
            limit: 0,
            ..Self::new(1, period)
        }
    }

    /// Returns [`Rate::UNLIMITED`].
    pub const fn unlimited() -> Self {
        Self::UNLIMITED
    }

    /// Makes a limit; the next method sets its period.
    ///
    /// ```
    /// use traffik::Rate;
    ///
    /// const RATE: Rate = Rate::of(100).minutes(5).seconds(30);
    /// assert_eq!(RATE.to_string(), "100/330s");
    /// ```
    pub const fn of(limit: u64) -> RateOf {
        RateOf { limit }
    }

    /// Returns the limit; 0 if unlimited or closed.
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// Returns the period; zero if unlimited.
    pub const fn period(&self) -> Duration {
        Duration::from_micros(self.micros)
    }

    /// Returns the period in microseconds; 0 if unlimited.
    pub const fn period_micros(&self) -> u64 {
        self.micros
    }

    /// Reports whether this is [`Rate::UNLIMITED`].
    pub const fn is_unlimited(&self) -> bool {
        self.limit == 0 && self.micros == 0
    }

    /// Reports whether this rate admits nothing: [`Rate::closed`].
    pub const fn is_closed(&self) -> bool {
        self.limit == 0 && self.micros > 0
    }

    /// Reports whether the period is shorter than a second; `false` if unlimited.
    pub const fn is_subsecond(&self) -> bool {
        !self.is_unlimited() && self.micros < SECOND
    }

    /// Returns the mean rate per second; infinite if unlimited, 0 if closed.
    ///
    /// ```
    /// use traffik::Rate;
    ///
    /// let rate = Rate::per_hour(120);
    /// assert_eq!(rate.rpm(), 2.0);
    /// assert_eq!(rate.rpd(), 2880.0);
    /// assert_eq!(Rate::UNLIMITED.rps(), f64::INFINITY);
    /// ```
    pub fn rps(&self) -> f64 {
        self.mean_per(SECOND)
    }

    /// Returns the mean rate per minute; infinite if unlimited.
    pub fn rpm(&self) -> f64 {
        self.mean_per(MINUTE)
    }

    /// Returns the mean rate per hour; infinite if unlimited.
    pub fn rph(&self) -> f64 {
        self.mean_per(HOUR)
    }

    /// Returns the mean rate per day; infinite if unlimited.
    pub fn rpd(&self) -> f64 {
        self.mean_per(DAY)
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "limits are at most 2^53, and ten years of microseconds are below it"
    )]
    fn mean_per(&self, micros: u64) -> f64 {
        if self.is_unlimited() {
            f64::INFINITY
        } else {
            self.limit as f64 * micros as f64 / self.micros as f64
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unlimited() {
            return f.write_str("0/0");
        }
        let unit = Unit::dividing(self.micros);
        match self.micros / unit.micros {
            1 => write!(f, "{}/{}", self.limit, unit.symbol()),
            multiplier => write!(f, "{}/{multiplier}{}", self.limit, unit.symbol()),
        }
    }
}

/// Returns a duration in the form in which [`parse_duration`](parse::parse_duration) reads it.
#[cfg(feature = "engine")]
pub(crate) fn duration_text(micros: u64) -> String {
    let unit = Unit::dividing(micros);
    match micros / unit.micros {
        0 => "0ms".to_owned(),
        number => format!("{number}{}", unit.symbol()),
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
