//! Where generated code finds what it names: `::traffik::__private`, spelled only here.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Ident, Path};

/// The module every name of ours is taken from, those of `core` included: a user's crate may have its own `core`.
pub(crate) struct Private(TokenStream);

impl Private {
    /// The module in `traffik`, or in what a `crate` key says.
    pub(crate) fn of(krate: Option<&Path>) -> Self {
        Self(krate.map_or_else(
            || quote!(::traffik::__private),
            |krate| {
                // What is no `traffik` has no such module, which is told where the path stands.
                let place = Span::call_site().located_at(last_word(krate));
                let module = quote_spanned!(place=> ::__private);
                quote!(#krate #module)
            },
        ))
    }

    /// The module with the span of what a user wrote, for errors that belong there.
    pub(crate) fn at(&self, place: Span) -> Self {
        self.spanned(Span::call_site().located_at(place))
    }

    /// The module with a span.
    pub(super) fn spanned(&self, span: Span) -> Self {
        let tokens = self.0.clone().into_iter().map(|mut token| {
            token.set_span(span);
            token
        });
        Self(tokens.collect())
    }
}

/// A local name of generated code, at a place of the user's. Patterns see the user's constants, so it is one that only
/// generated code has.
pub(super) fn local(name: &str, place: Span) -> Ident {
    let span = Span::mixed_site().located_at(place);
    format_ident!("__traffik_{name}", span = span)
}

/// On stable Rust, the place of a path is that of its first token, which may be a colon.
fn last_word(path: &Path) -> Span {
    let last = path.segments.last();
    last.map_or_else(|| path.span(), |last| last.ident.span())
}

impl ToTokens for Private {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}
