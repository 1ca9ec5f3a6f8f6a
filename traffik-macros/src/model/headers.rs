//! `headers`: the style of the header fields.

use syn::Expr;

use super::expr;
use super::keywords::{Value, Words};
use crate::diagnostics::{Result, error, listed, unknown};

/// Which header fields are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    Ietf,
    Legacy,
    Both,
    None,
}

const WORDS: Words = Words {
    key: "headers",
    list: &["ietf", "legacy", "both", "none"],
    open: false,
};

impl Headers {
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        let word = match WORDS.read(value)? {
            Value::Word(word) => word,
            Value::Text(text) => return Err(WORDS.no_text(text)),
            Value::Path(path) => {
                return Err(error(
                    path,
                    unknown("style of headers", &expr::text(path), WORDS.list),
                ));
            }
            Value::Call(..) | Value::Other(_) => {
                return Err(error(value, format!("`headers` is {}", listed(WORDS.list))));
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
