//! The values of all keys, each read by itself.

use std::time::Duration;

use syn::{Expr, Ident, LitStr, Path};

use super::keys::Key;
use super::options::Options;
use super::warnings::AllowedWarnings;
use super::{
    Closure, Cost, Headers, Identifier, OnError, Predicates, Rates, Scope, Strategy, lease, names,
    on_throttled, predicates, timeout,
};
use crate::diagnostics::{Errors, Result};

/// The values of the keys that were written.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) rates: Option<Rates>,
    pub(crate) strategy: Option<Strategy>,
    pub(crate) identifier: Option<Identifier>,
    pub(crate) cost: Option<Cost>,
    pub(crate) backend: Option<Expr>,
    pub(crate) on_error: Option<OnError>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) lease: Option<Duration>,
    pub(crate) min_wait: Option<Duration>,
    pub(crate) spread: Option<Duration>,
    pub(crate) on_throttled: Option<Path>,
    pub(crate) shadow: bool,
    pub(crate) predicates: Predicates,
    pub(crate) headers: Option<Headers>,
    pub(crate) scope: Option<Scope>,
    pub(crate) uid: Option<LitStr>,
    pub(crate) policy: Option<LitStr>,
    pub(crate) name: Option<Ident>,
    pub(crate) krate: Option<Path>,
    pub(crate) allowed: AllowedWarnings,
}

impl Settings {
    /// Reads the value of every key.
    pub(crate) fn read(options: Options, errors: &mut Errors) -> Self {
        let mut settings = Self {
            shadow: options.shadow,
            allowed: AllowedWarnings::read(&options.allow, errors),
            ..Self::default()
        };
        let leased = options.value(Key::Lease).cloned();
        for (key, pair) in options.pairs {
            let result = settings.set(key, *pair.value);
            errors.handle(result);
        }
        lease::check(leased.as_ref(), settings.strategy.as_ref(), errors);
        settings
    }

    fn set(&mut self, key: Key, value: Expr) -> Result<()> {
        match key {
            Key::Rate => self.rates = Some(Rates::read(&value)?),
            Key::Strategy => self.strategy = Some(Strategy::read(&value)?),
            Key::Identifier => self.identifier = Some(Identifier::read(&value)?),
            Key::Cost => self.cost = Some(Cost::read(&value)?),
            Key::Backend => self.backend = Some(value),
            Key::OnError => self.on_error = Some(OnError::read(&value)?),
            Key::OnThrottled => self.on_throttled = Some(on_throttled::read(&value)?),
            Key::Headers => self.headers = Some(Headers::read(&value)?),
            Key::Scope => self.scope = Some(Scope::read(&value)?),
            Key::OnlyIf => self.predicates.only_if = Some(predicates::only_if(&value)?),
            Key::SkipIf => self.predicates.skip_if = Some(predicates::skip_if(&value)?),
            Key::MinWait => self.min_wait = Some(timeout::min_wait(&value)?),
            Key::Spread => self.spread = Some(timeout::spread(&value)?),
            Key::Timeout => self.timeout = Some(timeout::read(&value)?),
            Key::Lease => self.lease = Some(lease::read(&value)?),
            Key::Uid => self.uid = Some(names::uid(&value)?),
            Key::Policy => self.policy = Some(names::policy(&value)?),
            Key::Name => self.name = Some(names::name(&value)?),
            Key::Crate => self.krate = Some(names::krate(&value)?),
            // These take no value.
            Key::Shadow | Key::Allow => {}
        }
        Ok(())
    }

    /// Fills keys that were not written with the defaults.
    pub(crate) fn or(self, defaults: &Self) -> Self {
        let Self {
            rates,
            strategy,
            identifier,
            cost,
            backend,
            on_error,
            timeout,
            lease,
            min_wait,
            spread,
            on_throttled,
            shadow,
            predicates,
            headers,
            scope,
            uid,
            policy,
            name,
            krate,
            allowed,
        } = self;
        let defaults = defaults.clone();
        Self {
            rates,
            strategy: strategy.or(defaults.strategy),
            identifier: identifier.or(defaults.identifier),
            cost,
            backend: backend.or(defaults.backend),
            on_error: on_error.or(defaults.on_error),
            timeout: timeout.or(defaults.timeout),
            lease: lease.or(defaults.lease),
            min_wait: min_wait.or(defaults.min_wait),
            spread: spread.or(defaults.spread),
            on_throttled: on_throttled.or(defaults.on_throttled),
            shadow: shadow || defaults.shadow,
            predicates: predicates.or(defaults.predicates),
            headers: headers.or(defaults.headers),
            scope: scope.or(defaults.scope),
            uid,
            policy,
            name,
            krate: krate.or(defaults.krate),
            allowed: allowed.and(&defaults.allowed),
        }
    }
}

impl Settings {
    /// Returns `true` if `min_wait` or `spread` is set.
    pub(crate) const fn has_delay(&self, key: Key) -> bool {
        match key {
            Key::MinWait => self.min_wait.is_some(),
            Key::Spread => self.spread.is_some(),
            _ => false,
        }
    }

    /// Returns the closures over a handler's arguments.
    pub(crate) fn closures(&self) -> Vec<&Closure> {
        let identifier = match &self.identifier {
            Some(Identifier::Closure(closure)) => Some(&**closure),
            _ => None,
        };
        let cost = match &self.cost {
            Some(Cost::Closure(closure)) => Some(&**closure),
            _ => None,
        };
        identifier.into_iter().chain(cost).collect()
    }
}
