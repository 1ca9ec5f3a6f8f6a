//! Values that are a word of a closed list, bare or in quotes, in front of paths of the same name.

use syn::{Expr, ExprCall, Ident, LitStr, Path};

use super::shape;
use crate::diagnostics::{Error, Result, did_you_mean, error, listed, near};

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

impl Words {
    /// What was written; an error where it is nearly a word.
    pub(crate) fn read<'a>(&self, value: &'a Expr) -> Result<Value<'a>> {
        if let Some(text) = shape::string(value) {
            return Ok(self
                .find(&text.value())
                .map_or(Value::Text(text), Value::Word));
        }
        if let Some((function, call)) = shape::call(value) {
            return Ok(self
                .bare(function)?
                .map_or(Value::Other(value), |word| Value::Call(word, call)));
        }
        match shape::path(value) {
            Some(path) => Ok(self.bare(path)?.map_or(Value::Path(path), Value::Word)),
            None => Ok(Value::Other(value)),
        }
    }

    /// The error for a string that is no word: it is nearly one, or it holds what stands without quotes.
    pub(crate) fn no_text(&self, text: &LitStr) -> Error {
        let key = self.key;
        let content = text.value();
        let message = match near(&content, self.list) {
            Some(word) => {
                let question = did_you_mean(&content, word);
                format!("unknown word `{content}` for `{key}`; {question}")
            }
            None if is_path_or_call(text) => {
                format!("quotes stand around words only; write `{key} = {content}`")
            }
            None => format!(
                "unknown word `{content}` for `{key}`; use one of {}",
                listed(self.list)
            ),
        };
        error(text, message)
    }

    fn find(&self, word: &str) -> Option<&'static str> {
        self.list.iter().find(|known| **known == word).copied()
    }

    fn bare(&self, path: &Path) -> Result<Option<&'static str>> {
        path.get_ident()
            .map_or(Ok(None), |word| self.bare_word(word))
    }

    fn bare_word(&self, word: &Ident) -> Result<Option<&'static str>> {
        let name = word.to_string();
        let found = self.find(&name);
        match near(&name, self.list) {
            Some(meant) if found.is_none() => {
                let key = self.key;
                let own = if self.open {
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
            _ => Ok(found),
        }
    }
}

fn is_path_or_call(text: &LitStr) -> bool {
    text.parse::<Expr>()
        .is_ok_and(|value| shape::path(&value).is_some() || shape::call(&value).is_some())
}
