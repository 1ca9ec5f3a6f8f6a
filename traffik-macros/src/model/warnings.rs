//! What is legal but was hardly meant, and which of it the user allows.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned as _;
use syn::{LitStr, Path};
use traffik_runtime::rate::Rate;
use traffik_runtime::strategy::catalog::{Spec, Subject, Warning};

use super::{Rates, Strategy, expr};
use crate::diagnostics::{Mistakes, unknown};

/// From this limit on, twice as much is no surprise.
const FEW: u64 = 10;

/// A warning at the tokens it is about.
#[derive(Clone)]
pub(crate) struct Doubt {
    /// Its name in `allow(…)`.
    pub(crate) name: &'static str,
    pub(crate) place: Span,
    /// What is doubtful; what to write instead.
    pub(crate) message: String,
}

impl Doubt {
    /// A warning at the tokens that are doubtful.
    pub(crate) fn at(tokens: impl ToTokens, warning: Warning, message: String) -> Self {
        Self {
            name: warning.name(),
            place: tokens.span(),
            message,
        }
    }
}

/// The warnings that are switched off.
#[derive(Clone, Default)]
pub(crate) struct Allowed(Vec<String>);

impl Allowed {
    /// `allow(unreachable_rate)`.
    pub(crate) fn read(names: &[Path], mistakes: &mut Mistakes) -> Self {
        let known = Warning::ALL.map(Warning::name);
        let mut allowed = Vec::new();
        for name in names {
            let word = expr::text(name);
            if known.contains(&word.as_str()) {
                allowed.push(word);
            } else {
                mistakes.at(name, unknown("warning", &word, &known));
            }
        }
        Self(allowed)
    }

    /// Those and others.
    pub(crate) fn and(mut self, others: &Self) -> Self {
        self.0.extend_from_slice(&others.0);
        self
    }

    /// The doubts that are not switched off.
    pub(crate) fn rest(&self, doubts: Vec<Doubt>) -> Vec<Doubt> {
        let mut doubts = doubts;
        doubts.retain(|doubt| !self.0.iter().any(|name| name == doubt.name));
        doubts
    }
}

/// The doubt about a text that separates a budget but was probably meant as a word.
pub(crate) fn misspelt_scope(text: &LitStr, word: &str) -> Doubt {
    let message = format!(
        "the scope {:?} is a text of your own, and nearly the word `{word}`; write that, or another text",
        text.value()
    );
    Doubt::at(text, Warning::MisspeltScope, message)
}

/// The doubt about a limit so small that twice as much is another one, under the law that admits that at times.
pub(super) fn boundary_burst(strategy: &Strategy, rates: &Rates) -> Option<Doubt> {
    let known = strategy.known()?;
    if !matches!(known.spec, Spec::FixedWindow(_)) {
        return None;
    }
    let small = |rate: &&Rate| (1..FEW).contains(&rate.limit());
    let rates = rates.fixed();
    let rate = rates.iter().find(small)?;
    let message = format!(
        "`fixed_window` admits {} at once where a window ends, and `{rate}` is hardly meant so; use `sliding_counter`, or `sliding_log`, which is exact",
        2 * rate.limit()
    );
    Some(Doubt::at(
        known.tokens(&Subject::Strategy),
        Warning::BoundaryBurst,
        message,
    ))
}
