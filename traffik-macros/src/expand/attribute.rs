//! The expansion of an attribute.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote};

use super::paths::Private;
use super::throttle::{conditions, throttle};
use super::{closure_arguments, handler};
use crate::diagnostics::Errors;
use crate::model::{ThrottledAttribute, is_method};
use crate::parse::Handler;

/// Generates the throttle, the hidden type, the closures and the handler.
pub(crate) fn attribute(attribute: &ThrottledAttribute, handler: Handler) -> TokenStream {
    let private = Private::new(attribute.krate.as_ref());
    let defined = defined(attribute, &handler, &private);
    let usage = handler::usage(attribute, &handler, &private);
    let closures = closure_arguments::closures(attribute, &handler, &private);
    let handler = handler::handler(attribute, handler, &private);
    quote!(#defined #usage #closures #handler)
}

/// Generates the errors, the handler as it was written, and the throttle's type for code that names
/// it.
pub(crate) fn attribute_with_errors(
    errors: &Errors,
    attribute: &ThrottledAttribute,
    handler: &Handler,
) -> TokenStream {
    let mut tokens = quote!(#errors #handler);
    // In an `impl` no type can be defined, and an attribute further down defines one of its own.
    let is_stacked = handler.attrs.iter().any(|attr| {
        attr.path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "throttled")
    });
    if !is_method(handler) && !is_stacked {
        defined(attribute, handler, &Private::new(attribute.krate.as_ref())).to_tokens(&mut tokens);
    }
    tokens
}

fn defined(
    attribute: &ThrottledAttribute,
    handler: &Handler,
    private: &Private,
) -> Option<TokenStream> {
    let attrs: Vec<_> = conditions(&handler.attrs).into_iter().cloned().collect();
    attribute.defined.as_ref().map(|defined| {
        // The type needs no warning if it is unused, because the handler uses it.
        let span = Span::call_site().located_at(defined.name().span());
        throttle(defined, &attrs, &handler.vis, span, private)
    })
}
