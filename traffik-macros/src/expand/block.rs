//! The whole of a block's expansion.

use proc_macro2::TokenStream;
use quote::quote;

use super::define::throttle;
use super::paths::Private;
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
        throttle(outcome, attrs, vis, &Private::of(krate.as_ref()))
    });
    quote!(#mistakes #(#items)*)
}
