//! `strategy`: a name of the catalog, bare, in quotes or with parameters, or `custom(…)`.

mod built_in;
mod custom;

use syn::{Expr, ExprCall, Ident, Type};
use traffik_runtime::strategy::catalog;

pub(crate) use built_in::{Known, example};

use super::expr;
use crate::diagnostics::{Error, Result, did_you_mean, error, near};

/// The law that decides.
#[derive(Clone)]
pub(crate) enum Strategy {
    /// One of ours.
    Known(Box<Known>),
    /// The user's own: the value and its type.
    Custom(Box<Expr>, Box<Type>),
}

impl Strategy {
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        if let Some((path, call)) = expr::call(value) {
            let word = path.get_ident().ok_or_else(|| not_wrapped(value))?;
            return named(&word.to_string(), &call.func, Some(call));
        }
        if let Some(word) = expr::word(value) {
            return named(&word.to_string(), value, None);
        }
        match expr::string(value) {
            Some(text) if text.value().contains(['(', ':']) => Err(error(
                text,
                format!(
                    "quotes stand around words only; write `strategy = {}`",
                    text.value()
                ),
            )),
            Some(text) => named(&text.value(), value, None),
            None => Err(not_wrapped(value)),
        }
    }
}

impl Strategy {
    /// One of ours.
    pub(crate) fn known(&self) -> Option<&Known> {
        match self {
            Self::Known(known) => Some(known),
            Self::Custom(..) => None,
        }
    }
}

impl Default for Strategy {
    fn default() -> Self {
        Self::Known(Box::default())
    }
}

fn named(word: &str, name: &Expr, call: Option<&ExprCall>) -> Result<Strategy> {
    match (word, call) {
        ("custom", Some(call)) => {
            custom::read(call).map(|(value, ty)| Strategy::Custom(Box::new(value), Box::new(ty)))
        }
        ("custom", None) => Err(error(
            name,
            "`custom` takes your strategy; write `custom(MyStrategy::new())`",
        )),
        (_, None) if is_own(word) => Err(not_wrapped(name)),
        (_, Some(call)) if is_own_call(word, call) => {
            let written = expr::text(call);
            let message = format!(
                "a strategy of your own stands in `custom`, with its type; write `strategy = custom({written} as MyStrategy)`"
            );
            Err(error(call, message))
        }
        _ if near(word, &["custom"]).is_some() => Err(error(
            name,
            format!(
                "unknown strategy `{word}`; {}",
                did_you_mean(word, "custom")
            ),
        )),
        _ => Known::read(word, name, call).map(|known| Strategy::Known(Box::new(known))),
    }
}

/// Returns whether a word is a type or constant of the user's: no strategy of ours is written in upper case, or nearly so.
fn is_own(word: &str) -> bool {
    word.starts_with(char::is_uppercase) && !is_near(word)
}

/// Returns whether a call is one of a function of the user's: those of our strategies have named parameters.
fn is_own_call(word: &str, call: &ExprCall) -> bool {
    let is_named = call
        .args
        .iter()
        .any(|value| matches!(value, Expr::Assign(_)));
    let is_ours = catalog::ENTRIES.iter().any(|entry| entry.name == word);
    !is_named && !is_ours && !is_near(word)
}

fn is_near(word: &str) -> bool {
    catalog::is_near(word) || near(word, &["custom"]).is_some()
}

fn not_wrapped(value: &Expr) -> Error {
    let written = expr::text(value);
    let message = match (expr::bare(value), parenthesised(value)) {
        (_, Some(name)) => format!("parameters stand in parentheses; write `strategy = {name}(…)`"),
        (Expr::Lit(_), None) => {
            "a strategy is a name such as `token_bucket`, or your own in `custom(…)`".to_owned()
        }
        (path, None) if is_constant(path) => format!(
            "a strategy of your own stands in `custom`, with its type; write `strategy = custom({written} as MyStrategy)`"
        ),
        _ => format!(
            "a strategy of your own stands in `custom`; write `strategy = custom({written})`"
        ),
    };
    error(value, message)
}

/// Returns whether a path is that of a constant, whose type cannot be seen.
fn is_constant(value: &Expr) -> bool {
    let last = expr::path(value).and_then(|path| path.segments.last());
    last.is_some_and(|last| {
        let name = last.ident.to_string();
        name.len() > 1 && !name.contains(char::is_lowercase)
    })
}

/// One of ours whose parameters stand between other signs.
fn parenthesised(value: &Expr) -> Option<&Ident> {
    let Expr::Macro(call) = expr::bare(value) else {
        return None;
    };
    let name = call.mac.path.get_ident();
    name.filter(|name| catalog::ENTRIES.iter().any(|entry| *name == entry.name))
}
