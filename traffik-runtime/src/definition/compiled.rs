//! The key and the limits of a throttle, computed at its first decision.

use std::sync::Arc;

use crate::definition::limits;
use crate::definition::registry::entries::OwnedEntry;
use crate::definition::registry::overrides::ActiveOverride;
use crate::definition::registry::registry;
use crate::definition::settings::Settings;
use crate::inline_vec::InlineVec1;
use crate::on_error::policy::Policy;
use crate::rate::Rate;
use crate::store::key::Key;
use crate::store::memory::optimistic::{DecideOne, decider};
use crate::store::plan::Limit;
use crate::strategy::catalog;
use crate::strategy::kernel::Law;

/// The values of a throttle that need run-time information: computed once, at its first decision.
pub(crate) struct Compiled {
    /// The key of the throttle, which those of its clients extend.
    pub(crate) key: Key,
    /// The rates that are limits, each with its law, or the error in the settings.
    pub(crate) limits: Result<InlineVec1<Limit>, String>,
    /// The entry that throttles of one uid share; `None` if the throttle could not be registered.
    pub(crate) entry: Option<OwnedEntry>,
    /// Set if clients can have leases of the strategy's quota.
    pub(crate) is_leasable: bool,
    only: Option<OnlyLimit>,
    /// The only rate, if its law is computed for each hit and its backend always decides.
    dynamic_rate: Option<Rate>,
    /// Set if all laws are built in and the backend always decides.
    has_fast_limits: bool,
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
        let is_built_in = |limits: &[Limit]| limits.iter().all(|limit| limit.law != Law::Custom);
        let has_fast_limits = !is_bypassed && limits.as_deref().is_ok_and(is_built_in);
        let dynamic_rate = match *registration.rates {
            [rate] if strategy.is_dynamic() => Some(rate)
                .filter(|rate| has_fast_limits && !rate.is_unlimited() && !rate.is_closed()),
            _ => None,
        };
        Self {
            key: Key::of_throttle(&registration.uid, strategy.name()),
            is_leasable: catalog::is_leasable(strategy.name()),
            only,
            dynamic_rate,
            has_fast_limits,
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
        self.only.as_ref().filter(|_| !self.is_overridden())
    }

    /// Returns the limits if a decision needs nothing but them and their backend, otherwise none.
    pub(crate) fn fast_limits(&self) -> &[Limit] {
        if self.has_fast_limits && !self.is_overridden() {
            self.limits.as_deref().unwrap_or_default()
        } else {
            &[]
        }
    }

    /// Returns the only rate if its law is computed for each hit and a decision needs nothing else.
    pub(crate) fn dynamic_rate(&self) -> Option<Rate> {
        self.dynamic_rate.filter(|_| !self.is_overridden())
    }

    #[inline]
    fn is_overridden(&self) -> bool {
        self.entry.as_ref().is_some_and(|it| it.is_overridden())
    }
}
