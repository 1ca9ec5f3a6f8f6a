//! A complete throttle, checked as a whole.

use quote::ToTokens;
use syn::Ident;
use traffik_runtime::strategy::catalog::{self, Severity, Subject};

use super::settings::Settings;
use super::warnings::boundary_burst;
use super::{BuiltIn, Cost, OnError, Rates, Scope, SpannedWarning, Strategy};
use crate::diagnostics::Errors;

/// A throttle.
pub(crate) struct Throttle {
    pub(crate) name: Ident,
    pub(crate) rates: Rates,
    pub(crate) strategy: Strategy,
    /// The other keys. Those that are `None` get the backend's or the runtime's default.
    pub(crate) settings: Settings,
    /// The warnings that are not switched off.
    pub(crate) warnings: Vec<SpannedWarning>,
}

/// A throttle that was defined, with or without errors.
pub(crate) enum DefinedThrottle {
    Valid(Box<Throttle>),
    /// A throttle with errors, whose name still becomes a type.
    Invalid(Ident),
}

impl DefinedThrottle {
    /// Checks the settings of a throttle. The caller reports a missing rate.
    pub(crate) fn new(name: Ident, mut settings: Settings, errors: &mut Errors) -> Self {
        settings.predicates.check(errors);
        let Some(rates) = settings.rates.take() else {
            return Self::Invalid(name);
        };
        // The default strategy gets no warning, because nobody chose it.
        let strategy = settings.strategy.take();
        let burst = strategy
            .as_ref()
            .and_then(|strategy| boundary_burst(strategy, &rates));
        let strategy = strategy.unwrap_or_default();
        let mut warnings = check(&strategy, &rates, settings.cost.as_ref(), errors);
        warnings.extend(burst);
        warnings.extend(settings.scope.as_ref().and_then(Scope::warning));
        warnings.extend(settings.on_error.iter().flat_map(OnError::warnings));
        let warnings = settings.allowed.remove_from(warnings);
        Self::Valid(Box::new(Throttle {
            name,
            rates,
            strategy,
            settings,
            warnings,
        }))
    }

    /// Returns the name of the throttle's type.
    pub(crate) fn name(&self) -> &Ident {
        match self {
            Self::Valid(throttle) => &throttle.name,
            Self::Invalid(name) => name,
        }
    }
}

/// Reports errors of the strategy, the rates and the cost together, and returns their warnings.
fn check(
    strategy: &Strategy,
    rates: &Rates,
    cost: Option<&Cost>,
    errors: &mut Errors,
) -> Vec<SpannedWarning> {
    let built_in = strategy.built_in();
    let mut warnings = Vec::new();
    // The default cost is one unit.
    let units = cost.map_or(Some(1), Cost::units);
    for problem in catalog::check(
        built_in.map(|built_in| &built_in.spec),
        &rates.constants(),
        units,
    ) {
        let Some(tokens) = tokens(&problem.subject, built_in, rates, cost) else {
            continue;
        };
        match problem.severity {
            Severity::Error => errors.report(tokens, problem.message),
            Severity::Warning(warning) => {
                warnings.push(SpannedWarning::new(tokens, warning, problem.message));
            }
        }
    }
    warnings
}

/// Returns the tokens to change.
fn tokens<'a>(
    subject: &Subject,
    built_in: Option<&'a BuiltIn>,
    rates: &'a Rates,
    cost: Option<&'a Cost>,
) -> Option<&'a dyn ToTokens> {
    match (subject, cost) {
        (Subject::Rate(index), _) => rates.text(*index).map(|text| text as &dyn ToTokens),
        (Subject::Cost, Some(Cost::Units(_, tokens))) => Some(tokens),
        (subject, _) => built_in.map(|built_in| built_in.tokens(subject)),
    }
}
