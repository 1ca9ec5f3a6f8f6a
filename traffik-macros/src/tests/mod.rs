//! Snapshots of expansions, one for each form.

mod attribute;
mod block;
mod errors;
mod incomplete;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// Expands an attribute and formats the result.
fn throttled(args: TokenStream, item: impl ToTokens) -> String {
    formatted(crate::attribute(args, &item.to_token_stream()))
}

/// Expands a block and formats the result.
fn throttles(block: TokenStream) -> String {
    formatted(crate::block(block))
}

fn formatted(expansion: TokenStream) -> String {
    let text = expansion.to_string();
    syn::parse2(expansion).map_or(text, |file| prettyplease::unparse(&file))
}
