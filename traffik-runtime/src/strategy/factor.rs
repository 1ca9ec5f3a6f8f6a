//! `Factor`: an exact decimal for multipliers, shares and percentages.

use std::fmt;
use std::str::FromStr;

use serde::Serializer;

/// A multiplier, share or percentage: an exact decimal with at most six places (L5).
///
/// ```
/// use traffik::strategy::Factor;
///
/// let factor: Factor = "1.5".parse()?;
/// assert_eq!(factor, Factor::millionths(1_500_000));
/// assert_eq!(factor.of(3), 4); // rounded down
/// assert!("0.1234567".parse::<Factor>().is_err());
/// # Ok::<(), traffik::strategy::FactorError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Factor(u64);

/// The reason why a number is not a [`Factor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactorError {
    /// A text that is not a number, or a number that is not finite.
    #[error("not a decimal number; write one such as `0.5`")]
    NotANumber,
    /// A number below zero.
    #[error("negative; write a number of at least 0, such as `0.5`")]
    Negative,
    /// More than six decimal places.
    #[error("more than six decimal places; round it")]
    TooFine,
    /// A number over a million.
    #[error("larger than a million; use a larger limit instead")]
    TooLarge,
}

const ONE: u64 = 1_000_000;

impl Factor {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// One: the whole.
    pub const ONE: Self = Self(ONE);

    /// Makes a factor of so many millionths.
    pub const fn millionths(millionths: u64) -> Self {
        Self(millionths)
    }

    /// Returns the factor in millionths.
    pub const fn in_millionths(self) -> u64 {
        self.0
    }

    /// Multiplies a number by the factor, rounded down.
    pub const fn of(self, number: u64) -> u64 {
        // A product of 64 bits mostly suffices, and its division by a constant is a multiplication.
        if let Some(product) = number.checked_mul(self.0) {
            return product / ONE;
        }
        let product = number as u128 * self.0 as u128 / ONE as u128;
        if product > u64::MAX as u128 {
            u64::MAX
        } else {
            product as u64
        }
    }
}

impl FromStr for Factor {
    type Err = FactorError;

    fn from_str(text: &str) -> Result<Self, FactorError> {
        let text: String = text.trim().chars().filter(|c| *c != '_').collect();
        let (whole, places) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if text.starts_with('-') && text[1..].parse::<Self>().is_ok() {
            return Err(FactorError::Negative);
        }
        if !digits(whole) || !digits(places) || whole.is_empty() {
            return Err(FactorError::NotANumber);
        }
        let places = places.trim_end_matches('0');
        if places.len() > 6 {
            return Err(FactorError::TooFine);
        }
        let whole: u64 = whole.parse().map_err(|_| FactorError::TooLarge)?;
        if whole > ONE {
            return Err(FactorError::TooLarge);
        }
        let millionths: u64 = format!("{places:0<6}")
            .parse()
            .map_err(|_| FactorError::NotANumber)?;
        Ok(Self(whole * ONE + millionths))
    }
}

impl TryFrom<f64> for Factor {
    type Error = FactorError;

    /// Reads the number from its shortest decimal form.
    fn try_from(number: f64) -> Result<Self, FactorError> {
        if number.is_finite() {
            number.to_string().parse()
        } else {
            Err(FactorError::NotANumber)
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / ONE, self.0 % ONE);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl From<std::convert::Infallible> for FactorError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// Serialises a factor as a number.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference to the field"
)]
pub(super) fn as_number<S: Serializer>(factor: &Factor, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(factor.0 as f64 / ONE as f64)
}
