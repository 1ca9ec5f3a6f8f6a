//! `uid`, `policy`, `name` and `crate`: names of throttles and of the crate.

use quote::ToTokens as _;
use syn::{Expr, Ident, LitStr, Path};

use super::expr;
use crate::diagnostics::{Result, error};
use crate::parse::reserved_word;

/// The largest length of a uid or policy, in bytes.
const MAX_LENGTH: usize = 255;

/// Reads `uid = "uploads"`.
pub(crate) fn uid(value: &Expr) -> Result<LitStr> {
    let empty = "a uid cannot be empty; remove the key to use `module::path::function`";
    text(value, "uid", empty)
}

/// Reads `policy = "uploads"`.
pub(crate) fn policy(value: &Expr) -> Result<LitStr> {
    let empty = "a policy cannot be empty; remove the key to use the throttle's name";
    text(value, "policy", empty)
}

/// Reads the string of `uid` or `policy`.
fn text(value: &Expr, key: &str, empty: &str) -> Result<LitStr> {
    let Some(text) = expr::string(value) else {
        let message = format!("a {key} is a string; write `{key} = \"uploads\"`");
        return Err(error(value, message));
    };
    match text.value().len() {
        0 => Err(error(text, empty)),
        length if length > MAX_LENGTH => Err(error(
            text,
            format!("this {key} has {length} bytes; write at most {MAX_LENGTH}"),
        )),
        _ => Ok(text.clone()),
    }
}

/// Reads `name = Uploads`.
pub(crate) fn name(value: &Expr) -> Result<Ident> {
    if let Some(text) = expr::string(value) {
        return Err(error(
            text,
            format!("a name must not be quoted; write `name = {}`", text.value()),
        ));
    }
    // A Rust keyword parses as a path, but cannot name a type.
    match expr::ident(value) {
        Some(word) if syn::parse2::<Ident>(word.to_token_stream()).is_ok() => Ok(word.clone()),
        Some(word) => Err(error(word, reserved_word(word))),
        None => Err(error(
            value,
            "a name is a single identifier; write `name = Uploads`",
        )),
    }
}

/// Reads `crate = ::my_framework::traffik`.
pub(crate) fn krate(value: &Expr) -> Result<Path> {
    let Some(path) = expr::path(value) else {
        let message = "`crate` takes an absolute path; write `crate = ::my_framework::traffik`";
        return Err(error(value, message));
    };
    let starts_with = |word: &str| {
        path.segments
            .first()
            .is_some_and(|first| first.ident == word)
    };
    if path.leading_colon.is_some() || starts_with("crate") {
        return Ok(path.clone());
    }
    let absolute = if starts_with("super") || starts_with("self") {
        "crate::…".to_owned()
    } else {
        format!("::{}", expr::text(path))
    };
    let message = format!("the path of `crate` must be absolute; write `crate = {absolute}`");
    Err(error(path, message))
}
