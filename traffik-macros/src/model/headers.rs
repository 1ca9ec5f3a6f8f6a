//! `headers`: the style of the header fields.

use syn::Expr;

use super::keys::Key;
use super::words::{Value, Words};
use crate::diagnostics::{Error, Result, listed, unknown};

/// Which header fields are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    Ietf,
    Legacy,
    Both,
    None,
}

const WORDS: Words = Words {
    key: Key::Headers,
    list: &["ietf", "legacy", "both", "none"],
};

impl Headers {
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        let word = match WORDS.read(value)? {
            Value::Word(word) => word,
            Value::Text(text) => return Err(WORDS.no_text(text)),
            Value::Path(path) => {
                return Err(Error::new_spanned(
                    path,
                    unknown("style of headers", &super::shape::text(path), WORDS.list),
                ));
            }
            Value::Call(..) | Value::Other(_) => {
                return Err(Error::new_spanned(
                    value,
                    format!("`headers` is {}", listed(WORDS.list)),
                ));
            }
        };
        Ok(match word {
            "legacy" => Self::Legacy,
            "both" => Self::Both,
            "none" => Self::None,
            _ => Self::Ietf,
        })
    }
}
