//! Values that are a word of a closed list, bare or in quotes, in front of paths of the same name.

use syn::{Expr, ExprCall, Ident, LitStr, Path};

use super::expr;
use crate::diagnostics::{Error, Result, did_you_mean, error, listed, misspelt, near};

/// The words a key, or a parameter, takes.
pub(crate) struct Words {
    /// Its name.
    pub(crate) key: &'static str,
    pub(crate) list: &'static [&'static str],
    /// Whether paths may stand in a word's place.
    pub(crate) open: bool,
}

/// A value, after words have been looked for.
pub(crate) enum Value<'a> {
    /// A word of the list.
    Word(&'static str),
    /// A word of the list, called: `header("x-api-key")`.
    Call(&'static str, &'a ExprCall),
    /// A string that is no word.
    Text(&'a LitStr),
    /// A path that is no word.
    Path(&'a Path),
    /// Anything else.
    Other(&'a Expr),
}

/// The words that say nothing without parameters.
const WITH_PARAMETERS: [&str; 4] = ["header", "retry", "fallback", "failover"];

impl Words {
    /// Returns what was written, or an error if it is hardly anything but a misspelt word.
    pub(crate) fn read<'a>(&self, value: &'a Expr) -> Result<Value<'a>> {
        if let Some(text) = expr::string(value) {
            return Ok(self
                .find(&text.value())
                .map_or(Value::Text(text), Value::Word));
        }
        if let Some((function, call)) = expr::call(value) {
            // A function is named and not called, so what has parameters is more likely meant as a word.
            let loose = call.args.iter().any(is_parameter);
            return Ok(self
                .bare(function, loose)?
                .map_or(Value::Other(value), |word| Value::Call(word, call)));
        }
        match expr::path(value) {
            Some(path) => Ok(self
                .bare(path, !self.open)?
                .map_or(Value::Path(path), Value::Word)),
            None => Ok(Value::Other(value)),
        }
    }

    /// The error for a string that is no word: it is nearly one, or it holds what stands without quotes.
    pub(crate) fn no_text(&self, text: &LitStr) -> Error {
        let key = self.key;
        let content = text.value();
        let is_own = self.open && is_path_or_call(text);
        let meant = if is_own {
            misspelt(&content, self.list)
        } else {
            near(&content, self.list)
        };
        let plain = near(&content, self.list).filter(|word| !WITH_PARAMETERS.contains(word));
        let message = match (meant, plain) {
            (Some(word), _) => {
                let question = did_you_mean(&content, word);
                format!("unknown word `{content}` for `{key}`; {question}")
            }
            (None, Some(word)) => format!(
                "unknown word `{content}` for `{key}`; write `{key} = {word}`, or `{key} = {content}` without quotes for an item of yours"
            ),
            (None, None) if is_own => {
                format!("quotes stand around words only; write `{key} = {content}`")
            }
            (None, None) => format!(
                "unknown word `{content}` for `{key}`; use one of {}",
                listed(self.list)
            ),
        };
        error(text, message)
    }

    fn find(&self, word: &str) -> Option<&'static str> {
        self.list.iter().find(|known| **known == word).copied()
    }

    fn bare(&self, path: &Path, loose: bool) -> Result<Option<&'static str>> {
        path.get_ident()
            .map_or(Ok(None), |word| self.bare_word(word, loose))
    }

    /// The word, if it is one; an error if it is nearly one. Where it may also be a name of the user's, that is one which
    /// is hardly anything else.
    fn bare_word(&self, word: &Ident, loose: bool) -> Result<Option<&'static str>> {
        let name = word.to_string();
        if let Some(found) = self.find(&name) {
            return Ok(Some(found));
        }
        let meant = if loose {
            near(&name, self.list)
        } else {
            misspelt(&name, self.list)
        };
        let Some(meant) = meant else {
            return Ok(None);
        };
        let key = self.key;
        let own = if self.open && !loose {
            format!(" (an item of yours is `self::{name}`)")
        } else {
            String::new()
        };
        Err(error(
            word,
            format!(
                "unknown word `{name}` for `{key}`; {}{own}",
                did_you_mean(&name, meant)
            ),
        ))
    }
}

/// Reports whether what stands in parentheses belongs to a word: text, or a named parameter.
fn is_parameter(value: &Expr) -> bool {
    matches!(value, Expr::Assign(_)) || expr::string(value).is_some()
}

fn is_path_or_call(text: &LitStr) -> bool {
    text.parse::<Expr>()
        .is_ok_and(|value| expr::path(&value).is_some() || expr::call(&value).is_some())
}
