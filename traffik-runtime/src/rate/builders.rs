//! Methods that build rates from units of time: `Rate::per_minute`, `RateOf::minutes` and others.

use crate::rate::unit::{DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND, WEEK};
use crate::rate::{Rate, RateOf};

/// One constructor of [`Rate`] for each unit, and the same units as methods of [`RateOf`] and
/// [`Rate`].
macro_rules! in_units {
    ($($per:ident, $units:ident, $micros:ident, $unit:literal;)*) => {
        impl Rate {
            $(
                #[doc = concat!("Makes a rate of `limit` per ", $unit, ".")]
                ///
                /// # Panics
                ///
                /// If the limit is 0 or over 2^53.
                #[track_caller]
                pub const fn $per(limit: u64) -> Self {
                    Self::checked(Self::from_micros(limit, $micros))
                }
            )*

            $(
                #[doc = concat!("Adds `count` ", $unit, "s to the period.")]
                ///
                /// # Panics
                ///
                /// If the period becomes longer than ten years (3650 days), and if the rate is
                /// unlimited.
                #[track_caller]
                #[must_use = "the longer rate is a new one"]
                pub const fn $units(self, count: u64) -> Self {
                    self.longer(count.saturating_mul($micros))
                }
            )*

            #[track_caller]
            const fn longer(self, micros: u64) -> Self {
                assert!(
                    !self.is_unlimited(),
                    "an unlimited rate has no period; begin with `Rate::of`"
                );
                let micros = self.micros.saturating_add(micros);
                if self.is_closed() {
                    // A limit of 1 has the same periods.
                    return Self { limit: 0, ..Self::checked(Self::from_micros(1, micros)) };
                }
                Self::checked(Self::from_micros(self.limit, micros))
            }
        }

        impl RateOf {
            $(
                #[doc = concat!("Makes a rate of this limit in `count` ", $unit, "s.")]
                ///
                /// # Panics
                ///
                /// If the limit or the count is 0, the limit is over 2^53, or the period is longer
                /// than ten years (3650 days).
                #[track_caller]
                pub const fn $units(self, count: u64) -> Rate {
                    Rate::checked(Rate::from_micros(self.limit, count.saturating_mul($micros)))
                }
            )*
        }
    };
}

in_units! {
    per_microsecond, microseconds, MICROSECOND, "microsecond";
    per_millisecond, milliseconds, MILLISECOND, "millisecond";
    per_second, seconds, SECOND, "second";
    per_minute, minutes, MINUTE, "minute";
    per_hour, hours, HOUR, "hour";
    per_day, days, DAY, "day";
    per_week, weeks, WEEK, "week";
}
