use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use crate::definition::limits;
use crate::definition::registry::entry::Entry;
#[cfg(feature = "overrides")]
use crate::definition::registry::overrides_file::Override;
use crate::definition::registry::pending::{Pending, PendingChange};
use crate::definition::registry::registration::Record;
use crate::definition::registry::registry;
use crate::error::Error;
use crate::inline_vec::InlineVec1;
use crate::observe;
use crate::rate::Rate;
use crate::store::plan::Term;

/// What all throttles of one uid have in common while the process runs.
pub(crate) struct Live {
    pub(crate) record: Record,
    layers: Mutex<Layers>,
    /// Whether there is a change: what almost every decision has to know, and nothing else.
    is_changed: AtomicBool,
    change: ArcSwapOption<Change>,
}

/// What holds instead of the definition.
pub(crate) struct Change {
    pub(crate) is_enabled: bool,
    pub(crate) rates: Option<Arc<WorkedOut>>,
}

/// Rates, and their laws where those are always the same.
pub(crate) struct WorkedOut {
    pub(crate) rates: Vec<Rate>,
    pub(crate) terms: InlineVec1<Term>,
}

#[derive(Default)]
struct Layers {
    by_hand: Layer,
    by_file: Layer,
}

/// What somebody has said of a throttle.
#[derive(Clone, Default)]
pub(crate) struct Layer {
    pub(crate) rates: Option<Arc<WorkedOut>>,
    pub(crate) enabled: Option<bool>,
    /// Rates that the throttle cannot have.
    refused: Option<Refused>,
}

/// Rates that a throttle cannot have, and the reason.
#[derive(Clone)]
struct Refused {
    rates: Vec<Rate>,
    message: String,
}

impl Layer {
    pub(crate) fn set_rates(&mut self, rates: Arc<WorkedOut>) {
        self.rates = Some(rates);
        self.refused = None;
    }
}

impl Live {
    pub(crate) fn new(record: Record) -> Self {
        Self {
            record,
            layers: Mutex::default(),
            is_changed: AtomicBool::new(false),
            change: ArcSwapOption::const_empty(),
        }
    }

    /// What holds instead of the definition, if anything does.
    #[inline]
    pub(crate) fn change(&self) -> Option<Arc<Change>> {
        if self.is_changed.load(Ordering::Acquire) {
            self.change.load_full()
        } else {
            None
        }
    }

    /// The rates in force, where a request may have brought its own, whether the throttle is enabled or not.
    pub(crate) fn rates(&self, brought: Option<Rate>) -> InlineVec1<Rate> {
        let change = self.change();
        let changed = change.as_ref().and_then(|change| change.rates.as_ref());
        let rates = match (changed, &brought) {
            (Some(changed), _) => &changed.rates[..],
            (None, Some(brought)) => slice::from_ref(brought),
            (None, None) => &self.record.rates,
        };
        let limits = rates.iter().filter(|rate| !rate.is_unlimited());
        limits.copied().collect()
    }

    /// Rates as this throttle's strategy has them, or why it cannot have them.
    pub(crate) fn worked_out(&self, rates: &[Rate]) -> Result<Arc<WorkedOut>, Error> {
        let (uid, strategy) = (&*self.record.uid, self.record.strategy.get());
        check_not_empty(uid, rates)?;
        limits::check(uid, strategy, rates)?;
        let terms = limits::terms(strategy, rates).map_err(|error| Error::strategy(uid, error))?;
        let rates = rates.to_vec();
        Ok(Arc::new(WorkedOut { rates, terms }))
    }

    /// Changes what was said by hand, from the next hit on.
    pub(crate) fn by_hand(&self, say: impl FnOnce(&mut Layer)) {
        let mut layers = self.layers.lock();
        say(&mut layers.by_hand);
        self.publish(&layers);
    }

    /// Replaces what was said by hand with a change that waited for this throttle. Rates that its strategy makes no law of are
    /// remembered as refused.
    pub(crate) fn by_pending(&self, change: Option<&PendingChange>) {
        let layer = change.map(|change| {
            let refused = observe::pending_rates_refused;
            self.layer(change.rates.as_deref(), change.enabled, refused)
        });
        self.by_hand(|by_hand| *by_hand = layer.unwrap_or_default());
    }

    /// Heeds what a file says, in place of what one said before. If the strategy makes no law of its rates, that is
    /// remembered instead of them.
    #[cfg(feature = "overrides")]
    pub(crate) fn by_file(&self, says: Option<&Override>) {
        let layer = says.map(|says| {
            let refused = observe::override_refused;
            self.layer(says.rates.as_deref(), says.enabled, refused)
        });
        let mut layers = self.layers.lock();
        layers.by_file = layer.unwrap_or_default();
        self.publish(&layers);
    }

    /// Returns rates and a switch as this throttle has them, and reports rates that it cannot have.
    fn layer(
        &self,
        rates: Option<&[Rate]>,
        enabled: Option<bool>,
        report: fn(&str, &Error),
    ) -> Layer {
        let mut layer = Layer {
            enabled,
            ..Layer::default()
        };
        let Some(rates) = rates else { return layer };
        match self.worked_out(rates) {
            Ok(rates) => layer.set_rates(rates),
            Err(error) => {
                report(&self.record.uid, &error);
                layer.refused = Some(Refused {
                    rates: rates.to_vec(),
                    message: error.to_string(),
                });
            }
        }
        layer
    }

    /// Returns the rates that this throttle was to have and cannot have, if there are any.
    pub(crate) fn refused(&self) -> Option<Pending> {
        let layers = self.layers.lock();
        let Layers { by_hand, by_file } = &*layers;
        let mut layers = [by_hand, by_file].into_iter();
        let (enabled, refused) = layers.find_map(|layer| {
            let refused = layer.refused.as_ref()?;
            Some((layer.enabled, refused))
        })?;
        Some(Pending {
            uid: self.record.uid.to_string(),
            rates: refused.rates.clone(),
            enabled,
            suggestion: None,
            refused: Some(refused.message.clone()),
        })
    }

    pub(crate) fn entry(&self) -> Entry {
        let Record {
            uid,
            name: _,
            policy,
            rates,
            strategy,
            scope,
            place,
            is_local: _,
            backend: _,
        } = &self.record;
        let change = self.change();
        let changed = change.as_ref().and_then(|change| change.rates.as_ref());
        Entry {
            uid: uid.to_string(),
            name: policy.to_string(),
            rates: changed.map_or_else(|| rates.to_vec(), |changed| changed.rates.clone()),
            defined_rates: rates.to_vec(),
            strategy: strategy.get().name(),
            scope: (*scope).to_owned(),
            enabled: change.is_none_or(|change| change.is_enabled),
            place: place.known(),
        }
    }

    fn publish(&self, layers: &Layers) {
        let Layers { by_hand, by_file } = layers;
        let is_enabled = by_hand.enabled.or(by_file.enabled).unwrap_or(true);
        let rates = by_hand.rates.as_ref().or(by_file.rates.as_ref()).cloned();
        let is_changed = !is_enabled || rates.is_some();
        let change = is_changed.then(|| Arc::new(Change { is_enabled, rates }));
        self.change.store(change);
        self.is_changed.store(is_changed, Ordering::Release);
    }
}

/// Checks that a list of rates has one.
pub(crate) fn check_not_empty(uid: &str, rates: &[Rate]) -> Result<(), Error> {
    if rates.is_empty() {
        let message = "a list of no rates says nothing; give it one rate, or use `disable`";
        return Err(Error::configuration(uid, message));
    }
    Ok(())
}

impl Change {
    /// The only rate and its law, if there is just one, which is a built-in one and always the same.
    pub(crate) fn only_term(&self) -> Option<&Term> {
        let rates = self.rates.as_ref().filter(|_| self.is_enabled)?;
        limits::only(&rates.terms)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        registry().leave(&self.record.uid);
    }
}
