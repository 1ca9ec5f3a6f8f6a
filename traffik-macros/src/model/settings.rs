//! What each key means by itself.

use std::time::Duration;

use syn::{Expr, Ident, LitStr, Path};

use super::keys::Key;
use super::options::Options;
use super::warnings::Allowed;
use super::{
    Closure, Cost, Headers, Identifier, OnError, Rates, Scope, Strategy, names, on_throttled,
    predicates, timeout,
};
use crate::diagnostics::{Mistakes, Result};
use crate::parse::Pair;

/// The keys that were written, understood.
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
    pub(crate) allowed: Allowed,
}

impl Settings {
    /// Reads every key's value.
    pub(crate) fn read(options: Options, mistakes: &mut Mistakes) -> Self {
        let Options {
            throttles: _,
            written: _,
            unclear: _,
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
            rates: read(rate, Rates::read, mistakes),
            strategy: read(strategy, Strategy::read, mistakes),
            identifier: read(identifier, Identifier::read, mistakes),
            cost: read(cost, Cost::read, mistakes),
            backend: backend.map(|pair| *pair.value),
            on_error: read(on_error, OnError::read, mistakes),
            timeout: read(timeout, timeout::read, mistakes),
            min_wait: read(min_wait, timeout::min_wait, mistakes),
            spread: read(spread, timeout::spread, mistakes),
            on_throttled: read(on_throttled, on_throttled::read, mistakes),
            shadow: shadow.is_some(),
            only_if: read(only_if, predicates::only_if, mistakes),
            skip_if: read(skip_if, predicates::skip_if, mistakes),
            headers: read(headers, Headers::read, mistakes),
            scope: read(scope, Scope::read, mistakes),
            uid: read(uid, names::uid, mistakes),
            policy: read(policy, names::policy, mistakes),
            name: read(name, names::name, mistakes),
            krate: read(krate, names::krate, mistakes),
            allowed: Allowed::read(&allow.unwrap_or_default(), mistakes),
        }
    }

    /// These settings, and the defaults where they say nothing.
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
    /// Returns whether `min_wait` or `spread` is set.
    pub(crate) const fn delays(&self, key: Key) -> bool {
        match key {
            Key::MinWait => self.min_wait.is_some(),
            Key::Spread => self.spread.is_some(),
            _ => false,
        }
    }

    /// Those keys whose values look at a handler's arguments.
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

fn read<T>(
    pair: Option<Pair>,
    reader: fn(&Expr) -> Result<T>,
    mistakes: &mut Mistakes,
) -> Option<T> {
    pair.and_then(|pair| mistakes.keep(reader(&pair.value)))
}
