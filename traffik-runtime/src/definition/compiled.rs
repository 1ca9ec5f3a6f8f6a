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
use crate::store::memory::optimistic::{DecideOne, decider};
use crate::store::plan::Limit;

/// The values of a throttle that need run-time information: computed once, at its first decision.
pub(crate) struct Compiled {
    /// The key of the throttle, which those of its clients extend.
    pub(crate) key: Key,
    /// The rates that are limits, each with its law, or the error in the settings.
    pub(crate) limits: Result<InlineVec1<Limit>, String>,
    /// The entry that throttles of one uid share; `None` if the throttle could not be registered.
    pub(crate) entry: Option<Arc<RegistryEntry>>,
    only: Option<OnlyLimit>,
}

/// The only limit of a throttle, under a built-in law, whose backend always decides: all that most
/// decisions need.
pub(crate) struct OnlyLimit {
    pub(crate) limit: Limit,
    /// The function that decides under this limit in memory.
    pub(crate) decide: DecideOne,
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
                let limits = match (settings.law, &*registration.rates) {
                    (Some(law), [rate]) => Ok(limits::constant(*rate, law)),
                    (_, rates) => limits::compile(strategy, rates),
                };
                (Some(entry), limits.map_err(|error| error.to_string()))
            }
            Err(message) => (None, Err(message)),
        };
        // A policy may decide before the backend does.
        let policy = settings.on_error.get();
        let is_bypassed = settings.shadow || policy.is_some_and(Policy::may_bypass_backend);
        let only = limits.as_deref().ok().and_then(limits::only);
        let only = only.filter(|_| !is_bypassed).map(|limit| OnlyLimit {
            decide: decider(&limit.law),
            limit: limit.clone(),
        });
        Self {
            key: Key::of_throttle(&registration.uid, strategy.name()),
            only,
            limits,
            entry,
        }
    }

    /// Returns the override that is in force, if any.
    #[inline]
    pub(crate) fn active_override(&self) -> Option<Arc<ActiveOverride>> {
        self.entry.as_ref()?.active_override()
    }

    /// Returns the only limit if a decision needs nothing else: no override is in force.
    #[inline]
    pub(crate) fn only_limit(&self) -> Option<&OnlyLimit> {
        let is_overridden = self.entry.as_ref().is_some_and(|it| it.is_overridden());
        self.only.as_ref().filter(|_| !is_overridden)
    }
}
