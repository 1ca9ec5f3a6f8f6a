//! The whole of a block's expansion.

use proc_macro2::TokenStream;
use quote::quote;

use super::paths::Private;
use super::throttle::throttle;
use crate::diagnostics::Mistakes;
use crate::model::{Entry, Throttles};

/// Every throttle, and what is wrong.
pub(crate) fn block(throttles: &Throttles, mistakes: &Mistakes) -> TokenStream {
    let items = throttles.0.iter().map(|entry| {
        let Entry {
            attrs,
            vis,
            krate,
            outcome,
        } = entry;
        // The type is the user's own, so that rustc warns of one that nothing names: it is silent about what a macro made.
        let place = outcome.name().span();
        throttle(outcome, attrs, vis, place, &Private::of(krate.as_ref()))
    });
    quote!(#mistakes #(#items)*)
}
