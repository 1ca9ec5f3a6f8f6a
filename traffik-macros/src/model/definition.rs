//! One throttle, complete.

use quote::ToTokens;
use syn::{Expr, Ident, LitStr};
use traffik_runtime::strategy::catalog::{self, Subject};

use super::settings::Settings;
use super::{Cost, Headers, Identifier, Known, Rates, Scope, Strategy};
use crate::diagnostics::Mistakes;

/// One throttle. What its keys leave open is the backend's or the runtime's default.
pub(crate) struct Definition {
    pub(crate) name: Ident,
    pub(crate) uid: Option<LitStr>,
    pub(crate) rates: Rates,
    pub(crate) strategy: Strategy,
    pub(crate) identifier: Option<Identifier>,
    pub(crate) cost: Option<Cost>,
    pub(crate) backend: Option<Expr>,
    pub(crate) headers: Option<Headers>,
    pub(crate) scope: Option<Scope>,
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
            headers,
            scope,
            uid,
            name: _,
            krate: _,
        } = settings;
        let Some(rates) = rates else {
            return Self::Broken(name);
        };
        let strategy = strategy.unwrap_or_default();
        if let Strategy::Known(known) = &strategy {
            check(known, &rates, cost.as_ref(), mistakes);
        }
        Self::Whole(Box::new(Definition {
            name,
            uid,
            rates,
            strategy,
            identifier,
            cost,
            backend,
            headers,
            scope,
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

/// Notes where the law and the numbers do not fit.
fn check(known: &Known, rates: &Rates, cost: Option<&Cost>, mistakes: &mut Mistakes) {
    let Rates::Fixed(fixed) = rates else { return };
    for problem in catalog::check(&known.spec, &rates.fixed(), cost.and_then(Cost::units)) {
        let tokens: &dyn ToTokens = match (&problem.subject, cost) {
            (Subject::Rate(index), _) if *index < fixed.len() => &fixed[*index].1,
            (Subject::Cost, Some(Cost::Units(_, written))) => written,
            (subject, _) => known.tokens(*subject),
        };
        mistakes.at(tokens, problem.message);
    }
}
