//! `Gcra`: evenly spaced hits.

use std::time::Duration;

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::meter::Meter;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// Evenly spaced hits: each moves the theoretical arrival time of the next by its cost, and a hit
/// that is early by more than a tolerance is refused.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: L + ⌈tolerance · L/W⌉ + m − 1 in a stretch as long as the period, with the largest
///   cost m: one hit may take up to L at once, and the next ones wait for it.
///
/// The virtual scheduling form of the generic cell rate algorithm, ITU-T I.371.
///
/// ```
/// use std::time::Duration;
/// use traffik::strategy::{Gcra, Hit, Strategy};
///
/// let law = Gcra::new().burst_tolerance(Duration::from_millis(100));
/// let hit = |now| Hit { rate: "10/s".parse().unwrap(), now, cost: 1, who: Default::default() };
/// let state = law.decide(law.decide(None, &hit(0)), &hit(0)); // the second is 100 ms early
/// assert!(state.is_some());
/// assert_eq!(law.decide(state.clone(), &hit(0)), None);
/// assert!(law.decide(state, &hit(100_000)).is_some());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gcra {
    tolerance: Duration,
}

/// The state of a generic cell rate algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GcraMetadata {
    /// The theoretical arrival time of the next hit, in milliseconds since 1970.
    pub tat_ms: f64,
    /// The interval between hits of cost 1, in milliseconds.
    pub emission_interval_ms: f64,
    /// `true` if a hit would be admitted now.
    pub conformant: bool,
}

impl Gcra {
    /// The strategy with its defaults, which throttles without parameters share.
    #[doc(hidden)]
    pub const DEFAULT: &Self = &Self::new();

    /// Makes the strategy without tolerance.
    pub const fn new() -> Self {
        Self {
            tolerance: Duration::ZERO,
        }
    }

    /// Sets the time that a hit may be early, in whole microseconds; default zero.
    #[must_use]
    pub const fn burst_tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance }
    }

    /// Returns the tolerance that was set.
    pub const fn tolerance(&self) -> Duration {
        self.tolerance
    }

    const fn meter(&self, rate: Rate) -> Result<Meter, StrategyError> {
        const TEN_YEARS: u64 = 3_650 * 24 * 60 * 60;
        let (seconds, nanos) = (self.tolerance.as_secs(), self.tolerance.subsec_nanos());
        let is_too_long = seconds > TEN_YEARS || (seconds == TEN_YEARS && nanos > 0);
        if !nanos.is_multiple_of(1_000) || is_too_long {
            return Err(StrategyError::Tolerance);
        }
        let micros = self.tolerance.subsec_micros() as u64;
        Meter::with_tolerance(rate, seconds * 1_000_000 + micros)
    }

    /// Returns the law of a rate as a constant of a macro, which has checked the rate.
    #[doc(hidden)]
    pub const fn constant_law(&self, rate: Rate) -> Law {
        Law::of_meter(self.meter(rate))
    }
}

impl BuiltIn for Gcra {
    type Metadata = GcraMetadata;

    const NAME: &'static str = "gcra";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        self.meter(rate).map(Law::Meter)
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> GcraMetadata {
        let tat = match law {
            Law::Meter(law) => law.empty_at(state.packed(), hit.now),
            _ => hit.now as f64,
        };
        GcraMetadata {
            tat_ms: tat / 1_000.0,
            emission_interval_ms: 1_000.0 / hit.rate.rps(),
            conformant: law.report(state, hit.now, 1).wait == Some(Duration::ZERO),
        }
    }
}
