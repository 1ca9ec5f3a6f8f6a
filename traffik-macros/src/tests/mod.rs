//! Expansions, printed and pinned: one snapshot for each form.

mod attribute;
mod block;
mod errors;
mod half_typed;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// An attribute's expansion, as rustfmt would print it.
fn throttled(args: TokenStream, item: impl ToTokens) -> String {
    printed(crate::attribute(args, &item.to_token_stream()))
}

/// A block's expansion, likewise.
fn throttles(block: TokenStream) -> String {
    printed(crate::shared(block))
}

fn printed(expansion: TokenStream) -> String {
    let text = expansion.to_string();
    syn::parse2(expansion).map_or(text, |file| prettyplease::unparse(&file))
}
