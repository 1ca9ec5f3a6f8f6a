//! The module that generated code takes its names from, `::traffik::__private`, spelled only here.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Ident, Path};

/// The path of the module for generated code. It includes `core`, because a user's crate may have
/// one of its own.
pub(crate) struct Private(TokenStream);

impl Private {
    /// Creates the path in `::traffik`, or in the value of the `crate` key.
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        Self(krate.map_or_else(
            || quote!(::traffik::__private),
            |krate| {
                // A crate other than `traffik` has no such module, and the error is at the path.
                let span = Span::call_site().located_at(last_segment(krate));
                let module = quote_spanned!(span=> ::__private);
                quote!(#krate #module)
            },
        ))
    }

    /// Returns the path at the location of user code, where its errors belong.
    pub(crate) fn at(&self, span: Span) -> Self {
        self.spanned(Span::call_site().located_at(span))
    }

    /// Returns the path with a span.
    pub(super) fn spanned(&self, span: Span) -> Self {
        let tokens = self.0.clone().into_iter().map(|mut token| {
            token.set_span(span);
            token
        });
        Self(tokens.collect())
    }
}

/// Creates a local variable of generated code, at the location of user code. A pattern may match a
/// constant of the user's, so the name has a prefix that only generated code has.
pub(super) fn local(name: &str, span: Span) -> Ident {
    let span = Span::mixed_site().located_at(span);
    format_ident!("__traffik_{name}", span = span)
}

/// Returns the span of the last segment. On stable Rust, the span of a path is that of its first
/// token, which may be a colon.
fn last_segment(path: &Path) -> Span {
    let last = path.segments.last();
    last.map_or_else(|| path.span(), |last| last.ident.span())
}

impl ToTokens for Private {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}
