//! `headers`: the style of the header fields.

use syn::Expr;

use super::expr;
use super::keywords::{KeywordValue, Keywords};
use crate::diagnostics::{Result, error, quoted_list};

/// The header fields that a response carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    Ietf,
    Legacy,
    Both,
    None,
}

const KEYWORDS: Keywords = Keywords {
    key: "headers",
    list: &["ietf", "legacy", "both", "none"],
    allows_paths: false,
};

impl Headers {
    /// Reads `headers = both`.
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        let word = match KEYWORDS.read(value)? {
            KeywordValue::Keyword(word) => word,
            KeywordValue::Text(text) => return Err(KEYWORDS.unknown_text(text)),
            KeywordValue::Path(path) => {
                return Err(error(
                    path,
                    format!(
                        "unknown value `{}` for `headers`; use one of {}",
                        expr::text(path),
                        quoted_list(KEYWORDS.list)
                    ),
                ));
            }
            KeywordValue::Call(..) | KeywordValue::Other(_) => {
                return Err(error(
                    value,
                    format!("`headers` must be {}", quoted_list(KEYWORDS.list)),
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
