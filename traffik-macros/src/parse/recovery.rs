//! Goes on behind a piece that cannot be parsed.

use proc_macro2::{TokenStream, TokenTree};
use syn::Token;
use syn::parse::ParseStream;

use crate::diagnostics::{Error, Result, error};

/// An error about the end of all there is has no place of its own; it is told, in these words, at what is cut short.
pub(super) fn placed(problem: Error, unfinished: TokenStream, message: &str) -> Error {
    let is_at_end = problem.to_string().starts_with("unexpected end of input");
    let last = unfinished.clone().into_iter().last();
    if is_at_end && !matches!(last, Some(TokenTree::Group(_))) {
        error(unfinished, message)
    } else {
        problem
    }
}

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

pub(super) fn skip_entry(input: ParseStream) -> Result<TokenStream> {
    let mut skipped = TokenStream::new();
    while !input.is_empty() {
        if input.parse::<Token![;]>().is_ok() {
            break;
        }
        skipped.extend([input.parse::<TokenTree>()?]);
    }
    Ok(skipped)
}
