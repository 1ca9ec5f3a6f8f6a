//! `scope`: `throttle`, `route`, or a text of the user's own.

use syn::{Expr, LitStr, Path};

use super::expr;
use super::keywords::{KeywordValue, Keywords};
use super::warnings::{SpannedWarning, misspelt_scope};
use crate::diagnostics::{Error, Result, error, near};

/// The requests that share one budget.
#[derive(Clone)]
pub(crate) enum Scope {
    /// Every use of the throttle.
    Throttle,
    /// The requests of one method and matched route.
    Route,
    /// All requests under a text of the user's.
    Segment(LitStr),
    /// A constant or a function of the request's parts.
    Path(Path),
}

const KEYWORDS: Keywords = Keywords {
    key: "scope",
    list: &["throttle", "route"],
    allows_paths: true,
};

impl Scope {
    /// Reads the value of `scope`.
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        match KEYWORDS.read(value)? {
            KeywordValue::Keyword("route") => Ok(Self::Route),
            KeywordValue::Keyword(_) => Ok(Self::Throttle),
            KeywordValue::Text(text) if text.value().is_empty() => Err(error(
                text,
                "the scope is empty; write `throttle`, or a string",
            )),
            KeywordValue::Text(text) => Ok(Self::Segment(text.clone())),
            KeywordValue::Path(path) => Ok(Self::Path(path.clone())),
            KeywordValue::Call(word, _) => Err(error(
                value,
                format!("`{word}` takes no parameters; write `scope = {word}`"),
            )),
            KeywordValue::Other(value) => Err(unexpected(value)),
        }
    }

    /// Returns the warning about a text that is nearly a keyword. Without quotes it is an error.
    pub(crate) fn warning(&self) -> Option<SpannedWarning> {
        let Self::Segment(text) = self else {
            return None;
        };
        near(&text.value(), KEYWORDS.list).map(|word| misspelt_scope(text, word))
    }
}

fn unexpected(value: &Expr) -> Error {
    let message = match expr::call(value) {
        Some((function, _)) => format!("name the function instead of calling it; write `scope = {}`", expr::text(function)),
        None => "a scope is `throttle`, `route`, a string, or the path of a `const` string or a `fn(&Parts) -> String`".to_owned(),
    };
    error(value, message)
}
