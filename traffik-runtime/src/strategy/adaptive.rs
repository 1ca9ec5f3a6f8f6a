//! `Adaptive`: fixed windows whose limit is cut under load.

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::factor::{Factor, FactorError};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::adaptive::Tuning;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who, kernel};

/// Fixed windows whose limit is cut when use is high, and recovers while it is low.
///
/// A hit that takes use above `threshold` cuts the limit for the hits after it, once a window, to
/// `reduction` of its value, but never below `min` of the whole. Each window without a cut gives
/// `recovery` of the whole back. With `load`, that signal decides instead of use.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: 2L in a stretch as long as a window; less by own use, which cuts the first of two
///   windows.
///
/// Additive increase, multiplicative decrease (Chiu and Jain, 1989).
#[derive(Clone, Copy, Debug)]
pub struct Adaptive {
    tuning: Tuning,
    load: Option<fn() -> f64>,
    problem: Option<(&'static str, FactorError)>,
}

/// The state of an adaptive window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AdaptiveMetadata {
    /// The limit in force.
    pub effective_limit: u64,
    /// The value that is compared with the threshold: the application's signal, or the used part of
    /// the limit.
    pub current_load: f64,
}

impl Adaptive {
    /// Makes windows that are cut to 0.6 above 0.8 and recover by 0.1, never below 0.3.
    pub const fn new() -> Self {
        Self::of(Tuning {
            threshold: Factor::millionths(800_000),
            reduction: Factor::millionths(600_000),
            recovery: Factor::millionths(100_000),
            least: Factor::millionths(300_000),
        })
    }

    /// Makes windows with these numbers.
    pub const fn of(tuning: Tuning) -> Self {
        Self {
            tuning,
            load: None,
            problem: None,
        }
    }

    /// Sets the use above which the limit is cut, above 0 and up to 1; default 0.8.
    #[must_use]
    pub fn threshold<E: Into<FactorError>>(self, share: impl TryInto<Factor, Error = E>) -> Self {
        self.with("`threshold`", share, |tuning, share| {
            tuning.threshold = share;
        })
    }

    /// Sets the part of the limit that a cut leaves, above 0 and below 1; default 0.6.
    #[must_use]
    pub fn reduction<E: Into<FactorError>>(self, share: impl TryInto<Factor, Error = E>) -> Self {
        self.with("`reduction`", share, |tuning, share| {
            tuning.reduction = share;
        })
    }

    /// Sets the part of the whole that a window without a cut gives back, above 0 and up to 1;
    /// default 0.1.
    #[must_use]
    pub fn recovery<E: Into<FactorError>>(self, share: impl TryInto<Factor, Error = E>) -> Self {
        self.with("`recovery`", share, |tuning, share| tuning.recovery = share)
    }

    /// Sets the least part of the whole, above 0 and up to 1; default 0.3.
    #[must_use]
    pub fn min<E: Into<FactorError>>(self, share: impl TryInto<Factor, Error = E>) -> Self {
        self.with("`min`", share, |tuning, share| tuning.least = share)
    }

    /// Sets a signal to compare with the threshold instead of use. It is called once for each hit;
    /// NaN counts as 0.
    #[must_use]
    pub const fn load(self, load: fn() -> f64) -> Self {
        Self {
            load: Some(load),
            ..self
        }
    }

    pub(super) fn without_load(self) -> Self {
        Self { load: None, ..self }
    }

    /// Returns the numbers that were set.
    pub const fn tuning(&self) -> Tuning {
        self.tuning
    }

    fn with<E: Into<FactorError>>(
        mut self,
        name: &'static str,
        share: impl TryInto<Factor, Error = E>,
        set: impl FnOnce(&mut Tuning, Factor),
    ) -> Self {
        match share.try_into() {
            Ok(share) => set(&mut self.tuning, share),
            Err(problem) => self.problem = Some((name, problem.into())),
        }
        self
    }

    fn check(&self) -> Result<(), StrategyError> {
        let Tuning {
            threshold,
            reduction,
            recovery,
            least,
        } = self.tuning;
        if let Some((name, problem)) = self.problem {
            return Err(StrategyError::Factor(name, problem));
        }
        let share = |factor: Factor| factor > Factor::ZERO && factor <= Factor::ONE;
        let checks = [
            (share(threshold), "`threshold` is above 0 and up to 1"),
            (
                share(reduction) && reduction < Factor::ONE,
                "`reduction` is above 0 and below 1",
            ),
            (share(recovery), "`recovery` is above 0 and up to 1"),
            (share(least), "`min` is above 0 and up to 1"),
        ];
        match checks.iter().find(|(holds, _)| !holds) {
            Some((_, message)) => Err(StrategyError::Range(message)),
            None => Ok(()),
        }
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        Self::new()
    }
}

impl BuiltIn for Adaptive {
    type Metadata = AdaptiveMetadata;

    const NAME: &'static str = "adaptive";

    fn is_dynamic(&self) -> bool {
        self.load.is_some()
    }

    fn load(&self) -> Option<f64> {
        let load = self.load?();
        Some(if load.is_nan() { 0.0 } else { load })
    }

    fn kernel(&self, rate: Rate, who: &Who<'_>) -> Result<Law, StrategyError> {
        self.check()?;
        let threshold = self.tuning.threshold.in_millionths() as f64 / 1e6;
        let load = who.load.or_else(|| BuiltIn::load(self));
        let loaded = load.map(|load| load > threshold);
        Ok(Law::Adaptive(kernel::Adaptive::new(
            rate,
            self.tuning,
            loaded,
        )))
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> AdaptiveMetadata {
        let (effective_limit, count) = match law {
            Law::Adaptive(law) => law.in_force(state.packed(), hit.now),
            _ => (law.max_cost(), 0),
        };
        let used = count as f64 / hit.rate.limit().max(1) as f64;
        AdaptiveMetadata {
            effective_limit,
            current_load: BuiltIn::load(self).unwrap_or(used),
        }
    }
}
