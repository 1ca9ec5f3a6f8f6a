//! `scope`: `throttle`, `route`, or a segment of one's own.

use syn::{Expr, LitStr, Path};

use super::expr;
use super::keywords::{Value, Words};
use super::warnings::{Doubt, misspelt_scope};
use crate::diagnostics::{Error, Result, error, near};

/// What shares one budget.
#[derive(Clone)]
pub(crate) enum Scope {
    /// Every use of the throttle.
    Throttle,
    /// A method and a matched route.
    Route,
    /// A text of the user's.
    Segment(LitStr),
    /// What a constant or a function of the request's parts says.
    Open(Path),
}

const WORDS: Words = Words {
    key: "scope",
    list: &["throttle", "route"],
    open: true,
};

impl Scope {
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        match WORDS.read(value)? {
            Value::Word("route") => Ok(Self::Route),
            Value::Word(_) => Ok(Self::Throttle),
            Value::Text(text) if text.value().is_empty() => Err(error(
                text,
                "an empty scope separates nothing; write `throttle`, or a text",
            )),
            Value::Text(text) => Ok(Self::Segment(text.clone())),
            Value::Path(path) => Ok(Self::Open(path.clone())),
            Value::Call(word, _) => Err(error(
                value,
                format!("`{word}` takes nothing; write `scope = {word}`"),
            )),
            Value::Other(value) => Err(other(value)),
        }
    }

    /// Whether it is a text that is nearly a word. Without quotes that is a mistake.
    pub(crate) fn doubt(&self) -> Option<Doubt> {
        let Self::Segment(text) = self else {
            return None;
        };
        near(&text.value(), WORDS.list).map(|word| misspelt_scope(text, word))
    }
}

fn other(value: &Expr) -> Error {
    let message = match expr::call(value) {
        Some((function, _)) => format!("the function is named, not called; write `scope = {}`", expr::text(function)),
        None => "a scope is `throttle`, `route`, a text, or the path of a `const` text or a `fn(&Parts) -> String`".to_owned(),
    };
    error(value, message)
}
