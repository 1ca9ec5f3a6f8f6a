//! The values of all keys, each read by itself.

use std::time::Duration;

use syn::{Expr, Ident, LitStr, Path};

use super::keys::Key;
use super::options::Options;
use super::warnings::AllowedWarnings;
use super::{
    Closure, Cost, Headers, Identifier, OnError, Rates, Scope, Strategy, names, on_throttled,
    predicates, timeout,
};
use crate::diagnostics::{Errors, Result};
use crate::parse::Pair;

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
    pub(crate) min_wait: Option<Duration>,
    pub(crate) spread: Option<Duration>,
    pub(crate) on_throttled: Option<Path>,
    pub(crate) shadow: bool,
    pub(crate) only_if: Option<Path>,
    pub(crate) skip_if: Option<Path>,
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
        let Options {
            throttles: _,
            written: _,
            is_ambiguous: _,
            rate,
            strategy,
            identifier,
            cost,
            backend,
            on_error,
            on_throttled,
            headers,
            scope,
            only_if,
            skip_if,
            min_wait,
            spread,
            timeout,
            shadow,
            uid,
            policy,
            name,
            krate,
            allow,
        } = options;
        Self {
            rates: read(rate, Rates::read, errors),
            strategy: read(strategy, Strategy::read, errors),
            identifier: read(identifier, Identifier::read, errors),
            cost: read(cost, Cost::read, errors),
            backend: backend.map(|pair| *pair.value),
            on_error: read(on_error, OnError::read, errors),
            timeout: read(timeout, timeout::read, errors),
            min_wait: read(min_wait, timeout::min_wait, errors),
            spread: read(spread, timeout::spread, errors),
            on_throttled: read(on_throttled, on_throttled::read, errors),
            shadow: shadow.is_some(),
            only_if: read(only_if, predicates::only_if, errors),
            skip_if: read(skip_if, predicates::skip_if, errors),
            headers: read(headers, Headers::read, errors),
            scope: read(scope, Scope::read, errors),
            uid: read(uid, names::uid, errors),
            policy: read(policy, names::policy, errors),
            name: read(name, names::name, errors),
            krate: read(krate, names::krate, errors),
            allowed: AllowedWarnings::read(&allow.unwrap_or_default(), errors),
        }
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
            min_wait,
            spread,
            on_throttled,
            shadow,
            only_if,
            skip_if,
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
            min_wait: min_wait.or(defaults.min_wait),
            spread: spread.or(defaults.spread),
            on_throttled: on_throttled.or(defaults.on_throttled),
            shadow: shadow || defaults.shadow,
            only_if: only_if.or(defaults.only_if),
            skip_if: skip_if.or(defaults.skip_if),
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

fn read<T>(pair: Option<Pair>, reader: fn(&Expr) -> Result<T>, errors: &mut Errors) -> Option<T> {
    pair.and_then(|pair| errors.handle(reader(&pair.value)))
}
