//! The key and the limits of a throttle, computed at its first decision.

use std::sync::Arc;

use crate::definition::limits;
use crate::definition::registry::overridden::RegistryEntry;
use crate::definition::registry::overrides::ActiveOverride;
use crate::definition::registry::registry;
use crate::definition::settings::Settings;
use crate::inline_vec::InlineVec1;
use crate::on_error::policy::Policy;
use crate::store::key::Key;
use crate::store::plan::Limit;

/// The values of a throttle that need run-time information: computed once, at its first decision.
pub(crate) struct Compiled {
    /// The key of the throttle, which those of its clients extend.
    pub(crate) key: Key,
    /// The rates that are limits, each with its law, or the error in the settings.
    pub(crate) limits: Result<InlineVec1<Limit>, String>,
    /// The entry that throttles of one uid share; `None` if the throttle could not be registered.
    pub(crate) entry: Option<Arc<RegistryEntry>>,
    /// The only limit, if the throttle has one under a built-in law and its backend always decides:
    /// all that most decisions need.
    only: Option<Limit>,
    /// Set if something else than its backend may decide, so that the fast path is closed.
    needs_slow_path: bool,
}

impl Compiled {
    /// Registers the throttle and compiles its limits.
    pub(crate) fn new(settings: &Settings) -> Self {
        let registration = &settings.registration;
        let strategy = registration.strategy.get();
        let backend = settings.backend.made().cloned();
        let entered = limits::check_names(&registration.uid, registration.policy())
            .and_then(|()| registry().enter(registration.clone(), backend));
        let (entry, limits) = match entered {
            Ok(entry) => {
                let limits = limits::compile(strategy, &registration.rates);
                (Some(entry), limits.map_err(|error| error.to_string()))
            }
            Err(message) => (None, Err(message)),
        };
        let only = limits.as_deref().ok().and_then(limits::only);
        // A policy may decide before the backend does.
        let policy = settings.on_error.get();
        let needs_slow_path = settings.shadow || policy.is_some_and(Policy::may_bypass_backend);
        Self {
            key: Key::of_throttle(&registration.uid, strategy.name()),
            only: only.filter(|_| !needs_slow_path).cloned(),
            limits,
            entry,
            needs_slow_path,
        }
    }

    /// Returns the override that is in force, if any.
    #[inline]
    pub(crate) fn active_override(&self) -> Option<Arc<ActiveOverride>> {
        self.entry.as_ref()?.active_override()
    }

    /// Returns the only limit if a decision needs nothing else.
    #[inline]
    pub(crate) const fn only_limit(&self) -> Option<&Limit> {
        self.only.as_ref()
    }

    /// Returns the only limit of an override if a decision needs nothing else.
    pub(crate) fn only_limit_of<'a>(&self, change: &'a ActiveOverride) -> Option<&'a Limit> {
        change.only_limit().filter(|_| !self.needs_slow_path)
    }
}
