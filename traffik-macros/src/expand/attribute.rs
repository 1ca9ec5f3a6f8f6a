//! The whole of an attribute's expansion.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote};

use super::paths::Private;
use super::throttle::{conditions, throttle};
use super::{closure_arguments, handler};
use crate::diagnostics::Mistakes;
use crate::model::{Site, is_method};
use crate::parse::Handler;

/// The throttle, the site and the handler.
pub(crate) fn attribute(site: &Site, handler: Handler) -> TokenStream {
    let private = Private::of(site.krate.as_ref());
    let defined = defined(site, &handler, &private);
    let hidden = handler::usage(site, &handler, &private);
    let closures = closure_arguments::closures(site, &handler, &private);
    let gated = handler::gated(site, handler, &private);
    quote!(#defined #hidden #closures #gated)
}

/// The mistakes, the handler as it was written, and the throttle's type for those who name it.
pub(crate) fn refused(mistakes: &Mistakes, site: &Site, handler: &Handler) -> TokenStream {
    let mut tokens = quote!(#mistakes #handler);
    // In an `impl` no type can be defined, and an attribute further down defines one of its own.
    let further = handler.attrs.iter().any(|attribute| {
        attribute
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "throttled")
    });
    if !is_method(handler) && !further {
        defined(site, handler, &Private::of(site.krate.as_ref())).to_tokens(&mut tokens);
    }
    tokens
}

fn defined(site: &Site, handler: &Handler, private: &Private) -> Option<TokenStream> {
    let attrs: Vec<_> = conditions(&handler.attrs).into_iter().cloned().collect();
    site.defined.as_ref().map(|outcome| {
        // Whether the type is used is the handler's affair.
        let place = Span::call_site().located_at(outcome.name().span());
        throttle(outcome, &attrs, &handler.vis, place, private)
    })
}
