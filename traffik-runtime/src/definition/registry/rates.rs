//! The rates that the registry sets.

use crate::rate::Rate;

/// A rate, or several rates that are decided together: the argument of [`Registry::set_rate`].
///
/// ```
/// use traffik::{Rate, registry::Rates};
///
/// let one: Rates = Rate::per_minute(20).into();
/// let two: Rates = [Rate::per_second(5), Rate::per_hour(100)].into();
/// ```
///
/// [`Registry::set_rate`]: crate::definition::registry::Registry::set_rate
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates(pub(crate) Vec<Rate>);

impl From<Rate> for Rates {
    fn from(rate: Rate) -> Self {
        Self(vec![rate])
    }
}

impl From<Vec<Rate>> for Rates {
    fn from(rates: Vec<Rate>) -> Self {
        Self(rates)
    }
}

impl From<&[Rate]> for Rates {
    fn from(rates: &[Rate]) -> Self {
        Self(rates.to_vec())
    }
}

impl<const N: usize> From<[Rate; N]> for Rates {
    fn from(rates: [Rate; N]) -> Self {
        Self(rates.to_vec())
    }
}

impl<const N: usize> From<&[Rate; N]> for Rates {
    fn from(rates: &[Rate; N]) -> Self {
        Self(rates.to_vec())
    }
}
