//! One throttle, complete.

use std::time::Duration;

use quote::ToTokens;
use syn::{Expr, Ident, LitStr, Path};
use traffik_runtime::strategy::catalog::{self, Severity, Subject};

use super::settings::Settings;
use super::warnings::boundary_burst;
use super::{Applies, Cost, Doubt, Headers, Identifier, Known, OnError, Rates, Scope, Strategy};
use crate::diagnostics::Mistakes;

/// One throttle. What its keys leave open is the backend's or the runtime's default.
pub(crate) struct Definition {
    pub(crate) name: Ident,
    pub(crate) uid: Option<LitStr>,
    pub(crate) policy: Option<LitStr>,
    pub(crate) rates: Rates,
    pub(crate) strategy: Strategy,
    pub(crate) identifier: Option<Identifier>,
    pub(crate) cost: Option<Cost>,
    pub(crate) backend: Option<Expr>,
    pub(crate) on_error: Option<OnError>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) min_wait: Option<Duration>,
    pub(crate) spread: Option<Duration>,
    pub(crate) on_throttled: Option<Path>,
    pub(crate) shadow: bool,
    pub(crate) applies: Applies,
    pub(crate) headers: Option<Headers>,
    pub(crate) scope: Option<Scope>,
    /// What is doubtful about it, and not switched off.
    pub(crate) doubts: Vec<Doubt>,
}

/// A throttle that was asked for.
pub(crate) enum Outcome {
    Whole(Box<Definition>),
    /// Something is wrong with it; its name still stands for a type.
    Broken(Ident),
}

impl Outcome {
    /// The throttle of these settings. A missing rate was noted by whoever knows where it is missing.
    pub(crate) fn new(name: Ident, settings: Settings, mistakes: &mut Mistakes) -> Self {
        let Settings {
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
            name: _,
            krate: _,
            allowed,
        } = settings;
        let applies = Applies::new(only_if, skip_if, mistakes);
        let Some(rates) = rates else {
            return Self::Broken(name);
        };
        // Who writes no strategy has not chosen one.
        let burst = strategy
            .as_ref()
            .and_then(|chosen| boundary_burst(chosen, &rates));
        let strategy = strategy.unwrap_or_default();
        let mut doubts = check(&strategy, &rates, cost.as_ref(), mistakes);
        doubts.extend(burst);
        doubts.extend(scope.as_ref().and_then(Scope::doubt));
        doubts.extend(on_error.iter().flat_map(OnError::doubts));
        Self::Whole(Box::new(Definition {
            name,
            uid,
            policy,
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
            applies,
            headers,
            scope,
            doubts: allowed.rest(doubts),
        }))
    }

    /// The name of the throttle's type.
    pub(crate) fn name(&self) -> &Ident {
        match self {
            Self::Whole(definition) => &definition.name,
            Self::Broken(name) => name,
        }
    }
}

/// Notes where the law and the numbers do not fit, and gives what is doubtful about them.
fn check(
    strategy: &Strategy,
    rates: &Rates,
    cost: Option<&Cost>,
    mistakes: &mut Mistakes,
) -> Vec<Doubt> {
    let known = strategy.known();
    let mut doubts = Vec::new();
    // Without the key a request takes one unit.
    let units = cost.map_or(Some(1), Cost::units);
    for problem in catalog::check(known.map(|known| &known.spec), &rates.fixed(), units) {
        let Some(tokens) = tokens(&problem.subject, known, rates, cost) else {
            continue;
        };
        match problem.severity {
            Severity::Error => mistakes.at(tokens, problem.message),
            Severity::Warning(warning) => doubts.push(Doubt::at(tokens, warning, problem.message)),
        }
    }
    doubts
}

/// The tokens to change.
fn tokens<'a>(
    subject: &Subject,
    known: Option<&'a Known>,
    rates: &'a Rates,
    cost: Option<&'a Cost>,
) -> Option<&'a dyn ToTokens> {
    match (subject, cost) {
        (Subject::Rate(place), _) => rates.text(*place).map(|text| text as &dyn ToTokens),
        (Subject::Cost, Some(Cost::Units(_, written))) => Some(written),
        (subject, _) => known.map(|known| known.tokens(subject)),
    }
}
