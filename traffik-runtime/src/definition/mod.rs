//! Definitions of throttles: the settings of each, compiled to limits, and their registry.

pub(crate) mod compiled;
pub(crate) mod declaration;
pub(crate) mod label;
pub(crate) mod lazy;
pub(crate) mod limits;
pub(crate) mod location;
pub(crate) mod policy_text;
pub mod registry;
pub(crate) mod settings;
pub(crate) mod shared_strategy;
pub(crate) mod source;

pub use declaration::Declaration;
pub use settings::Settings;
pub use source::IdentitySource;

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::request::Parts;

use crate::backend::Backend;
use crate::backend::backend_ref::BackendRef;
use crate::definition::compiled::Compiled;
use crate::definition::label::Label;
use crate::definition::policy_text::PolicyText;
use crate::definition::registry::entries::OwnedEntry;
use crate::definition::registry::overridden::RegistryEntry;
use crate::definition::registry::overrides::ActiveOverride;
use crate::error::Error;
#[cfg(feature = "metrics")]
use crate::observe::Counters;
use crate::observe::Outcome;
use crate::rate::Rate;
use crate::store::key::Key;
use crate::store::plan::Limit;
use crate::strategy::erased::ErasedStrategy;

/// A throttle: its settings, and the values that are computed of them at run time, once.
#[doc(hidden)]
pub struct Definition {
    pub(crate) settings: Settings,
    #[cfg(feature = "metrics")]
    counters: Counters,
    /// The label in metrics, if it is not the uid.
    label: Option<Arc<Label>>,
    compiled: OnceLock<Compiled>,
    policy_text: OnceLock<PolicyText>,
}

impl Definition {
    /// The throttle with these settings.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings: settings.with_local_uid(),
            #[cfg(feature = "metrics")]
            counters: Counters::new(),
            label: None,
            compiled: OnceLock::new(),
            policy_text: OnceLock::new(),
        }
    }

    /// Returns the name of the throttle in the whole process.
    pub(crate) const fn uid(&self) -> &Cow<'static, str> {
        &self.settings.registration.uid
    }

    /// Returns the name of its policy in header fields and problems.
    pub(crate) fn policy(&self) -> &Cow<'static, str> {
        self.settings.registration.policy()
    }

    /// Returns the text of the policy under this limit; `None` if it was made for another limit.
    #[inline]
    pub(crate) fn policy_text(
        &'static self,
        rate: Rate,
        quota: u64,
        make: impl FnOnce() -> PolicyText,
    ) -> Option<&'static PolicyText> {
        let text = self.policy_text.get_or_init(make);
        (text.rate == rate && text.quota == quota).then_some(text)
    }

    /// Returns the rates of the settings.
    pub(crate) fn rates(&self) -> &[Rate] {
        &self.settings.registration.rates
    }

    #[inline]
    pub(crate) fn strategy(&self) -> &dyn ErasedStrategy {
        self.settings.registration.strategy.get()
    }

    /// Returns the strategy as its type.
    pub(crate) fn strategy_as<S: 'static>(&self) -> &S {
        let strategy: &dyn Any = self.strategy();
        strategy
            .downcast_ref()
            .unwrap_or_else(|| unreachable!("a throttle names the strategy of its definition"))
    }

    /// Returns the backend for a request: the throttle's own, the one that is provided for the
    /// request, or else the default of the process.
    pub(crate) fn chosen_backend<'a>(&'a self, parts: Option<&'a Parts>) -> BackendRef<'a> {
        match self.named_backend(parts) {
            Some(named) => BackendRef::Named(named),
            None => BackendRef::default(),
        }
    }

    /// Returns the throttle's own backend, or else the one that is provided for the request.
    #[inline]
    pub(crate) fn named_backend<'a>(&'a self, parts: Option<&'a Parts>) -> Option<&'a Backend> {
        let provided = || parts.and_then(|parts| parts.extensions.get::<Backend>());
        self.settings.backend.get().or_else(provided)
    }

    /// Counts a decision in metrics.
    #[inline]
    pub(crate) fn count(&self, outcome: Outcome) {
        #[cfg(feature = "metrics")]
        match &self.label {
            Some(label) => label.counters.count(&label.text, outcome),
            None => self.counters.count(self.uid(), outcome),
        }
        let _ = (self, outcome);
    }

    /// Returns the label in metrics.
    #[inline]
    pub(crate) fn label(&self) -> &str {
        match &self.label {
            Some(label) => &label.text,
            None => self.uid(),
        }
    }

    /// Sets the label in metrics.
    pub(crate) fn with_label(self, label: &str) -> Self {
        let label = Some(Label::find(label));
        Self { label, ..self }
    }

    /// Returns the override that is in force, if any.
    #[inline]
    pub(crate) fn active_override(&self) -> Option<Arc<ActiveOverride>> {
        self.compiled().active_override()
    }

    /// Returns the life of its leases, if it is set here or by an operator.
    pub(crate) fn lease(&self) -> Option<Duration> {
        let change = self.active_override();
        change
            .and_then(|change| change.lease)
            .or(self.settings.lease)
    }

    /// Returns `true` if its rates were set at run time.
    pub(crate) fn has_other_rates(&self) -> bool {
        self.active_override()
            .is_some_and(|change| change.rates.is_some())
    }

    /// Returns the entry of the registry that throttles of this uid share; `None` if this one could
    /// not be registered.
    pub(crate) fn entry(&self) -> Option<Arc<RegistryEntry>> {
        self.compiled().entry.as_ref().map(OwnedEntry::shared)
    }

    /// Returns the key of the throttle, which those of its clients extend.
    #[inline]
    pub(crate) fn key(&self) -> Key {
        self.compiled().key
    }

    /// Returns the rates of the settings that are limits, each with its law, in order.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the settings are wrong or another throttle has the uid.
    #[inline]
    pub(crate) fn limits(&self) -> Result<&[Limit], Error> {
        match &self.compiled().limits {
            Ok(limits) => Ok(limits),
            Err(message) => Err(Error::configuration(self.uid(), message)),
        }
    }

    /// Returns the values that need run-time information. The first call registers the throttle.
    #[inline]
    pub(crate) fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| Compiled::new(&self.settings))
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition")
            .field("uid", self.uid())
            .field("rates", &self.rates())
            .field("strategy", &self.strategy())
            .finish_non_exhaustive()
    }
}
