//! Warnings about legal code that was probably not intended, and `allow(…)`.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned as _;
use syn::{LitStr, Path};
use traffik_runtime::rate::Rate;
use traffik_runtime::strategy::catalog::{Spec, Subject, Warning};

use super::{Rates, Strategy, expr};
use crate::diagnostics::{Errors, unknown};

/// Limits from here on get no warning about bursts at the end of a window.
const SMALL_LIMIT: u64 = 10;

/// A warning at the tokens that it is about.
#[derive(Clone)]
pub(crate) struct SpannedWarning {
    /// The name for `allow(…)`.
    pub(crate) name: &'static str,
    pub(crate) span: Span,
    /// The problem and the code to write instead.
    pub(crate) message: String,
}

impl SpannedWarning {
    /// Creates a warning at these tokens.
    pub(crate) fn new(tokens: impl ToTokens, warning: Warning, message: String) -> Self {
        Self {
            name: warning.name(),
            span: tokens.span(),
            message,
        }
    }
}

/// The names of the warnings that are switched off.
#[derive(Clone, Default)]
pub(crate) struct AllowedWarnings(Vec<String>);

impl AllowedWarnings {
    /// Reads `allow(unreachable_rate)`.
    pub(crate) fn read(names: &[Path], errors: &mut Errors) -> Self {
        let all = Warning::ALL.map(Warning::name);
        let mut allowed = Vec::new();
        for name in names {
            let word = expr::text(name);
            if all.contains(&word.as_str()) {
                allowed.push(word);
            } else {
                errors.report(name, unknown("warning", &word, &all));
            }
        }
        Self(allowed)
    }

    /// Adds the names of others.
    pub(crate) fn and(mut self, others: &Self) -> Self {
        self.0.extend_from_slice(&others.0);
        self
    }

    /// Removes the warnings that are switched off.
    pub(crate) fn remove_from(&self, mut warnings: Vec<SpannedWarning>) -> Vec<SpannedWarning> {
        warnings.retain(|warning| !self.0.iter().any(|name| name == warning.name));
        warnings
    }
}

/// Warns of a text as scope that was probably meant as a keyword.
pub(crate) fn misspelt_scope(text: &LitStr, word: &str) -> SpannedWarning {
    let message = format!(
        "the scope {:?} is a string of your own, but nearly the keyword `{word}`; use the keyword, or another string",
        text.value()
    );
    SpannedWarning::new(text, Warning::MisspeltScope, message)
}

/// Warns of a fixed window with a limit so small that twice as much matters.
pub(super) fn boundary_burst(strategy: &Strategy, rates: &Rates) -> Option<SpannedWarning> {
    let built_in = strategy.built_in()?;
    if !matches!(built_in.spec, Spec::FixedWindow(_)) {
        return None;
    }
    let is_small = |rate: &&Rate| (1..SMALL_LIMIT).contains(&rate.limit());
    let rates = rates.constants();
    let rate = rates.iter().find(is_small)?;
    let message = format!(
        "`fixed_window` can admit {} at the end of a window, twice the limit of `{rate}`; use `sliding_counter`, or `sliding_log`, which is exact",
        2 * rate.limit()
    );
    Some(SpannedWarning::new(
        built_in.tokens(&Subject::Strategy),
        Warning::BoundaryBurst,
        message,
    ))
}
