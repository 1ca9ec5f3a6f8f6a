//! Values that are keywords of a closed list, bare or in quotes. A keyword wins over a path of the
//! same name.

use syn::{Expr, ExprCall, Ident, LitStr, Path};

use super::expr;
use crate::diagnostics::{Error, Result, did_you_mean, error, misspelt, near, quoted_list};

/// The keywords of a key or parameter.
pub(crate) struct Keywords {
    /// The name of the key or parameter.
    pub(crate) key: &'static str,
    pub(crate) list: &'static [&'static str],
    /// `true` if a path may be written instead of a keyword.
    pub(crate) allows_paths: bool,
}

/// A value, sorted into keywords and anything else.
pub(crate) enum KeywordValue<'a> {
    /// A keyword.
    Keyword(&'static str),
    /// A keyword with parameters: `header("x-api-key")`.
    Call(&'static str, &'a ExprCall),
    /// A string that is not a keyword.
    Text(&'a LitStr),
    /// A path that is not a keyword.
    Path(&'a Path),
    /// Anything else.
    Other(&'a Expr),
}

/// The keywords that need parameters.
const WITH_PARAMETERS: [&str; 4] = ["header", "retry", "fallback", "failover"];

impl Keywords {
    /// Sorts a value, or returns an error if it is hardly anything but a misspelt keyword.
    pub(crate) fn read<'a>(&self, value: &'a Expr) -> Result<KeywordValue<'a>> {
        if let Some(text) = expr::string(value) {
            return Ok(self
                .find(&text.value())
                .map_or(KeywordValue::Text(text), KeywordValue::Keyword));
        }
        if let Some((function, call)) = expr::call(value) {
            // A function is named and not called, so a call with parameters was probably meant as a
            // keyword.
            let is_lenient = call.args.iter().any(is_parameter);
            return Ok(self
                .path(function, is_lenient)?
                .map_or(KeywordValue::Other(value), |word| {
                    KeywordValue::Call(word, call)
                }));
        }
        match expr::path(value) {
            Some(path) => Ok(self
                .path(path, !self.allows_paths)?
                .map_or(KeywordValue::Path(path), KeywordValue::Keyword)),
            None => Ok(KeywordValue::Other(value)),
        }
    }

    /// Returns the error about a string that is not a keyword: a misspelt one, or an item that must
    /// not be quoted.
    pub(crate) fn unknown_text(&self, text: &LitStr) -> Error {
        let key = self.key;
        let content = text.value();
        let is_item = self.allows_paths && is_path_or_call(text);
        let meant = if is_item {
            misspelt(&content, self.list)
        } else {
            near(&content, self.list)
        };
        let similar = near(&content, self.list).filter(|word| !WITH_PARAMETERS.contains(word));
        let message = match (meant, similar) {
            (Some(word), _) => {
                let question = did_you_mean(&content, word);
                format!("unknown value `{content}` for `{key}`; {question}")
            }
            (None, Some(word)) => format!(
                "unknown value `{content}` for `{key}`; write `{key} = {word}`, or `{key} = {content}` without quotes for your own item"
            ),
            (None, None) if is_item => {
                format!("only keywords can be quoted; write `{key} = {content}`")
            }
            (None, None) => format!(
                "unknown value `{content}` for `{key}`; use one of {}",
                quoted_list(self.list)
            ),
        };
        error(text, message)
    }

    fn find(&self, word: &str) -> Option<&'static str> {
        self.list.iter().find(|keyword| **keyword == word).copied()
    }

    fn path(&self, path: &Path, is_lenient: bool) -> Result<Option<&'static str>> {
        path.get_ident()
            .map_or(Ok(None), |word| self.ident(word, is_lenient))
    }

    /// Returns the keyword, or an error if an identifier is nearly one. Unless `is_lenient`, only
    /// an identifier that is hardly anything else counts as nearly one.
    fn ident(&self, word: &Ident, is_lenient: bool) -> Result<Option<&'static str>> {
        let name = word.to_string();
        if let Some(found) = self.find(&name) {
            return Ok(Some(found));
        }
        let meant = if is_lenient {
            near(&name, self.list)
        } else {
            misspelt(&name, self.list)
        };
        let Some(meant) = meant else {
            return Ok(None);
        };
        let key = self.key;
        let note = if self.allows_paths && !is_lenient {
            format!(" (your own item would be `self::{name}`)")
        } else {
            String::new()
        };
        Err(error(
            word,
            format!(
                "unknown value `{name}` for `{key}`; {}{note}",
                did_you_mean(&name, meant)
            ),
        ))
    }
}

/// Returns `true` for a parameter of a keyword: a string, or a named parameter.
fn is_parameter(value: &Expr) -> bool {
    matches!(value, Expr::Assign(_)) || expr::string(value).is_some()
}

fn is_path_or_call(text: &LitStr) -> bool {
    text.parse::<Expr>()
        .is_ok_and(|value| expr::path(&value).is_some() || expr::call(&value).is_some())
}
