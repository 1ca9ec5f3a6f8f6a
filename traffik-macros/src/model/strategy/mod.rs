//! `strategy`: a built-in one, bare, in quotes or with parameters, or `custom(…)`.

mod built_in;
mod custom;

use syn::{Expr, ExprCall, Ident, Type};
use traffik_runtime::strategy::catalog;

pub(crate) use built_in::{BuiltIn, example};

use super::expr;
use crate::diagnostics::{Error, Result, did_you_mean, error, near};

/// The strategy of a throttle.
#[derive(Clone)]
pub(crate) enum Strategy {
    /// A strategy of the catalog.
    BuiltIn(Box<BuiltIn>),
    /// A strategy of the user's: the value and its type.
    Custom(Box<Expr>, Box<Type>),
}

impl Strategy {
    /// Reads the value of `strategy`.
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        if let Some((path, call)) = expr::call(value) {
            let word = path.get_ident().ok_or_else(|| not_wrapped(value))?;
            return by_name(&word.to_string(), &call.func, Some(call));
        }
        if let Some(word) = expr::ident(value) {
            return by_name(&word.to_string(), value, None);
        }
        match expr::string(value) {
            Some(text) if text.value().contains(['(', ':']) => Err(error(
                text,
                format!(
                    "only keywords can be quoted; write `strategy = {}`",
                    text.value()
                ),
            )),
            Some(text) => by_name(&text.value(), value, None),
            None => Err(not_wrapped(value)),
        }
    }
}

impl Strategy {
    /// Returns the built-in strategy.
    pub(crate) fn built_in(&self) -> Option<&BuiltIn> {
        match self {
            Self::BuiltIn(built_in) => Some(built_in),
            Self::Custom(..) => None,
        }
    }
}

impl Default for Strategy {
    fn default() -> Self {
        Self::BuiltIn(Box::default())
    }
}

fn by_name(word: &str, name: &Expr, call: Option<&ExprCall>) -> Result<Strategy> {
    match (word, call) {
        ("custom", Some(call)) => {
            custom::read(call).map(|(value, ty)| Strategy::Custom(Box::new(value), Box::new(ty)))
        }
        ("custom", None) => Err(error(
            name,
            "`custom` needs your strategy; write `custom(MyStrategy::new())`",
        )),
        (_, None) if is_user_item(word) => Err(not_wrapped(name)),
        (_, Some(call)) if is_user_call(word, call) => {
            let written = expr::text(call);
            let message = format!(
                "your own strategy goes in `custom`, with its type; write `strategy = custom({written} as MyStrategy)`"
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
        _ => BuiltIn::read(word, name, call).map(|built_in| Strategy::BuiltIn(Box::new(built_in))),
    }
}

/// Returns `true` for a type or constant of the user's: no built-in strategy is in upper case.
fn is_user_item(word: &str) -> bool {
    word.starts_with(char::is_uppercase) && !is_near(word)
}

/// Returns `true` for a call of a function of the user's: built-in strategies take named
/// parameters.
fn is_user_call(word: &str, call: &ExprCall) -> bool {
    let is_named = call
        .args
        .iter()
        .any(|value| matches!(value, Expr::Assign(_)));
    let is_built_in = catalog::ENTRIES.iter().any(|entry| entry.name == word);
    !is_named && !is_built_in && !is_near(word)
}

fn is_near(word: &str) -> bool {
    catalog::is_near(word) || near(word, &["custom"]).is_some()
}

fn not_wrapped(value: &Expr) -> Error {
    let written = expr::text(value);
    let message = match (expr::without_groups(value), built_in_macro(value)) {
        (_, Some(name)) => format!("parameters go in parentheses; write `strategy = {name}(…)`"),
        (Expr::Lit(_), None) => {
            "a strategy is a name such as `token_bucket`, or your own as `custom(…)`".to_owned()
        }
        (path, None) if is_constant(path) => format!(
            "your own strategy goes in `custom`, with its type; write `strategy = custom({written} as MyStrategy)`"
        ),
        _ => format!("your own strategy goes in `custom`; write `strategy = custom({written})`"),
    };
    error(value, message)
}

/// Returns `true` if a path names a constant, whose type cannot be read from it.
fn is_constant(value: &Expr) -> bool {
    let last = expr::path(value).and_then(|path| path.segments.last());
    last.is_some_and(|last| {
        let name = last.ident.to_string();
        name.len() > 1 && !name.contains(char::is_lowercase)
    })
}

/// Returns the name of a built-in strategy that was written as a macro, `gcra![…]`.
fn built_in_macro(value: &Expr) -> Option<&Ident> {
    let Expr::Macro(call) = expr::without_groups(value) else {
        return None;
    };
    let name = call.mac.path.get_ident();
    name.filter(|name| catalog::ENTRIES.iter().any(|entry| *name == entry.name))
}
