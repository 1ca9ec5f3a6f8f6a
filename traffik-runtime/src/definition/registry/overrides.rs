//! Rates and switches that apply to a throttle instead of its definition.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::inline_vec::InlineVec1;
use crate::rate::Rate;
use crate::store::plan::Limit;

/// New rates for a throttle, a new position of its switch, and a new life of its leases; `None`
/// leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Override {
    pub(crate) rates: Option<Vec<Rate>>,
    pub(crate) enabled: Option<bool>,
    pub(crate) lease: Option<Duration>,
}

/// The overrides from one source, as a throttle's strategy has them.
#[derive(Clone, Default)]
pub(crate) struct OverrideLayer {
    pub(crate) rates: Option<Arc<CompiledRates>>,
    pub(crate) enabled: Option<bool>,
    pub(crate) lease: Option<Duration>,
    /// Rates that the throttle cannot have.
    pub(crate) refused: Option<RefusedRates>,
}

/// Rates that a throttle cannot have, and the reason.
#[derive(Clone)]
pub(crate) struct RefusedRates {
    pub(crate) rates: Vec<Rate>,
    pub(crate) reason: String,
}

/// The overrides in force.
pub(crate) struct ActiveOverride {
    pub(crate) is_enabled: bool,
    pub(crate) rates: Option<Arc<CompiledRates>>,
    pub(crate) lease: Option<Duration>,
}

/// Rates, and the limits that they are if a strategy's laws do not change.
pub(crate) struct CompiledRates {
    pub(crate) rates: Vec<Rate>,
    pub(crate) limits: InlineVec1<Limit>,
}

impl OverrideLayer {
    pub(crate) fn set_rates(&mut self, rates: Arc<CompiledRates>) {
        self.rates = Some(rates);
        self.refused = None;
    }
}

/// Checks that a list of rates is not empty.
///
/// # Errors
///
/// [`Error::Configuration`] if it is.
pub(crate) fn check_not_empty(uid: &str, rates: &[Rate]) -> Result<(), Error> {
    if rates.is_empty() {
        let message = "its list of rates is empty; add a rate, or use `disable`";
        return Err(Error::configuration(uid, message));
    }
    Ok(())
}
