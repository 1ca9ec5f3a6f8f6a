//! The entry of a registered throttle, and the overrides of its definition.

use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use crate::backend::Backend;
use crate::definition::limits;
use crate::definition::registry::entry::Entry;
use crate::definition::registry::overrides::{
    ActiveOverride, CompiledRates, Override, OverrideLayer, RefusedRates, check_not_empty,
};
use crate::definition::registry::pending::Pending;
use crate::definition::registry::registration::Registration;
use crate::error::Error;
use crate::inline_vec::InlineVec1;
use crate::observe;
use crate::rate::Rate;
use crate::store::changes;
use crate::store::key::Key;

/// The state that all throttles of one uid share while the process runs.
pub(crate) struct RegistryEntry {
    pub(crate) registration: Registration,
    /// The backend of a throttle that was built with one of its own.
    backend: Option<Backend>,
    layers: Mutex<Layers>,
    /// Set while an override is in force: almost every decision needs only this.
    is_overridden: AtomicBool,
    active: ArcSwapOption<ActiveOverride>,
}

/// The overrides of a throttle, by source; the first source goes first.
#[derive(Default)]
struct Layers {
    calls: OverrideLayer,
    file: OverrideLayer,
}

impl RegistryEntry {
    pub(crate) fn new(registration: Registration, backend: Option<Backend>) -> Self {
        Self {
            registration,
            backend,
            layers: Mutex::default(),
            is_overridden: AtomicBool::new(false),
            active: ArcSwapOption::const_empty(),
        }
    }

    /// Returns the name of the throttle in the whole process.
    pub(crate) fn uid(&self) -> &str {
        &self.registration.uid
    }

    /// Returns `true` if both may count in the same states. Throttles that were built with backends
    /// of their own do so only on the same backend.
    pub(crate) fn shares_states(&self, other: &Self) -> bool {
        match (&self.backend, &other.backend) {
            (Some(own), Some(others)) => own.store().shares_states(others.store()),
            _ => true,
        }
    }

    /// Returns the override that is in force, if any.
    #[inline]
    pub(crate) fn active_override(&self) -> Option<Arc<ActiveOverride>> {
        if self.is_overridden() {
            self.active.load_full()
        } else {
            None
        }
    }

    /// Returns `true` if an override is in force.
    #[inline]
    pub(crate) fn is_overridden(&self) -> bool {
        self.is_overridden.load(Ordering::Acquire)
    }

    /// Returns the rates in force, those that are limits. `of_request` is the rate that a request
    /// brings. A disabled throttle has rates too.
    pub(crate) fn rates(&self, of_request: Option<Rate>) -> InlineVec1<Rate> {
        let change = self.active_override();
        let overridden = change.as_ref().and_then(|change| change.rates.as_ref());
        let rates = match (overridden, &of_request) {
            (Some(overridden), _) => &overridden.rates[..],
            (None, Some(of_request)) => slice::from_ref(of_request),
            (None, None) => &self.registration.rates,
        };
        let limits = rates.iter().filter(|rate| !rate.is_unlimited());
        limits.copied().collect()
    }

    /// Compiles rates under the throttle's strategy.
    ///
    /// # Errors
    ///
    /// If the throttle cannot have them.
    pub(crate) fn compile(&self, rates: &[Rate]) -> Result<Arc<CompiledRates>, Error> {
        let (uid, strategy) = (self.uid(), self.registration.strategy.get());
        check_not_empty(uid, rates)?;
        limits::check(uid, strategy, rates)?;
        let limits =
            limits::compile(strategy, rates).map_err(|error| Error::strategy(uid, error))?;
        let rates = rates.to_vec();
        Ok(Arc::new(CompiledRates { rates, limits }))
    }

    /// Checks that the throttle can have leases of this life.
    ///
    /// # Errors
    ///
    /// If it cannot.
    pub(crate) fn check_lease(&self, lease: Option<Duration>) -> Result<(), Error> {
        limits::check_lease(self.uid(), self.registration.strategy.get(), lease)
    }

    /// Changes the overrides by calls of the registry, from the next hit on.
    pub(crate) fn override_by_call(&self, change: impl FnOnce(&mut OverrideLayer)) {
        let mut layers = self.layers.lock();
        change(&mut layers.calls);
        self.publish(&layers);
    }

    /// Replaces the overrides by calls with those that waited for this throttle. Rates that it
    /// cannot have are stored as refused.
    pub(crate) fn override_by_pending(&self, pending: Option<&Override>) {
        let layer = self.layer(pending, observe::pending_rates_refused);
        self.override_by_call(|calls| *calls = layer);
    }

    /// Replaces the overrides by a file. Rates that the throttle cannot have are stored as refused.
    #[cfg(feature = "overrides")]
    pub(crate) fn override_by_file(&self, in_file: Option<&Override>) {
        let layer = self.layer(in_file, observe::override_refused);
        let mut layers = self.layers.lock();
        layers.file = layer;
        self.publish(&layers);
    }

    /// Compiles an override, and reports rates that the throttle cannot have.
    fn layer(&self, change: Option<&Override>, report: fn(&str, &Error)) -> OverrideLayer {
        let mut layer = OverrideLayer {
            enabled: change.and_then(|change| change.enabled),
            lease: change.and_then(|change| change.lease),
            ..OverrideLayer::default()
        };
        let Some(rates) = change.and_then(|change| change.rates.as_ref()) else {
            return layer;
        };
        match self.compile(rates) {
            Ok(rates) => layer.set_rates(rates),
            Err(error) => {
                report(self.uid(), &error);
                layer.refused = Some(RefusedRates {
                    rates: rates.clone(),
                    reason: error.to_string(),
                });
            }
        }
        layer
    }

    /// Returns the override with rates that this throttle cannot have, if there is one.
    pub(crate) fn refused(&self) -> Option<Pending> {
        let layers = self.layers.lock();
        let Layers { calls, file } = &*layers;
        let mut layers = [calls, file].into_iter();
        let (layer, refused) = layers.find_map(|layer| Some((layer, layer.refused.as_ref()?)))?;
        Some(Pending {
            uid: self.uid().to_owned(),
            rates: refused.rates.clone(),
            enabled: layer.enabled,
            lease: layer.lease,
            suggestion: None,
            refused: Some(refused.reason.clone()),
        })
    }

    /// Returns the public description of the throttle.
    pub(crate) fn entry(&self) -> Entry {
        let Registration {
            uid,
            name: _,
            policy: _,
            rates,
            strategy,
            scope,
            location,
            is_local: _,
        } = &self.registration;
        let change = self.active_override();
        let overridden = change.as_ref().and_then(|change| change.rates.as_ref());
        Entry {
            uid: uid.to_string(),
            name: self.registration.policy().to_string(),
            rates: overridden.map_or_else(|| rates.to_vec(), |change| change.rates.clone()),
            defined_rates: rates.to_vec(),
            strategy: strategy.get().name(),
            scope: scope.name().to_owned(),
            enabled: change.as_ref().is_none_or(|change| change.is_enabled),
            lease: change.and_then(|change| change.lease),
            place: location.text(),
        }
    }

    fn publish(&self, layers: &Layers) {
        let Layers { calls, file } = layers;
        let is_enabled = calls.enabled.or(file.enabled).unwrap_or(true);
        let rates = calls.rates.as_ref().or(file.rates.as_ref()).cloned();
        let lease = calls.lease.or(file.lease);
        let is_overridden = !is_enabled || rates.is_some() || lease.is_some();
        let active = ActiveOverride {
            is_enabled,
            rates,
            lease,
        };
        let active = is_overridden.then(|| Arc::new(active));
        self.active.store(active);
        let was_overridden = self.is_overridden.swap(is_overridden, Ordering::AcqRel);
        if was_overridden || is_overridden {
            let strategy = self.registration.strategy.get().name();
            changes::record(Key::of_throttle(self.uid(), strategy));
        }
    }
}
