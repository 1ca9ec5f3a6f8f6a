//! Recovery from pieces that cannot be parsed.

use proc_macro2::{TokenStream, TokenTree};
use syn::Token;
use syn::parse::ParseStream;

use crate::diagnostics::{Error, Result, error};

/// Replaces "unexpected end of input", which has no position of its own, by a message at the
/// tokens that are incomplete.
pub(super) fn at_incomplete(problem: Error, incomplete: TokenStream, message: &str) -> Error {
    let is_at_end = problem.to_string().starts_with("unexpected end of input");
    let last = incomplete.clone().into_iter().last();
    if is_at_end && !matches!(last, Some(TokenTree::Group(_))) {
        error(incomplete, message)
    } else {
        problem
    }
}

/// Consumes everything up to the next comma, and the comma. Returns the tokens before it.
pub(super) fn skip_to_comma(input: ParseStream) -> Result<TokenStream> {
    let mut skipped = TokenStream::new();
    while !input.is_empty() {
        if input.parse::<Token![,]>().is_ok() {
            break;
        }
        skipped.extend([input.parse::<TokenTree>()?]);
    }
    Ok(skipped)
}

/// Consumes everything up to the next semicolon, and the semicolon. Returns the tokens before it.
pub(super) fn skip_to_semicolon(input: ParseStream) -> Result<TokenStream> {
    let mut skipped = TokenStream::new();
    while !input.is_empty() {
        if input.parse::<Token![;]>().is_ok() {
            break;
        }
        skipped.extend([input.parse::<TokenTree>()?]);
    }
    Ok(skipped)
}
