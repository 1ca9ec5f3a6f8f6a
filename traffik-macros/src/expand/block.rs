//! The expansion of a block.

use proc_macro2::TokenStream;
use quote::quote;

use super::paths::Private;
use super::throttle::throttle;
use crate::diagnostics::Errors;
use crate::model::{Block, BlockThrottle};

/// Generates every throttle, and the errors.
pub(crate) fn block(block: &Block, errors: &Errors) -> TokenStream {
    let items = block.0.iter().map(|block_throttle| {
        let BlockThrottle {
            attrs,
            vis,
            krate,
            defined,
        } = block_throttle;
        // The type has the user's span, so that rustc warns of an unused one. It is silent about
        // types with a macro's span.
        let span = defined.name().span();
        throttle(defined, attrs, vis, span, &Private::new(krate.as_ref()))
    });
    quote!(#errors #(#items)*)
}
