//! Warnings. A macro has no lints of its own on stable Rust, so a warning is a deprecated constant
//! and a use of it at the user's tokens: "use of deprecated associated constant
//! `Search::unreachable_rate`: …".

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Ident};

use crate::model::SpannedWarning;

/// Generates warnings about a type: a throttle, or the hidden type of a use. They are placed beside
/// the type, because only there its name is in the message.
pub(crate) fn warnings(
    ty: &Ident,
    warnings: &[SpannedWarning],
    cfgs: &[&Attribute],
) -> TokenStream {
    let items = warnings.iter().enumerate().map(|(index, warning)| {
        let same = warnings[..index]
            .iter()
            .filter(|earlier| earlier.name == warning.name);
        let item = match same.count() {
            0 => format_ident!("{}", warning.name),
            // A constant needs a name of its own.
            others => format_ident!("{}_{}", warning.name, others + 1),
        };
        self::warning(ty, &item, warning, cfgs)
    });
    quote!(#(#items)*)
}

fn warning(ty: &Ident, item: &Ident, warning: &SpannedWarning, cfgs: &[&Attribute]) -> TokenStream {
    let SpannedWarning {
        name,
        span,
        message,
    } = warning;
    let note = format!("{message}; to keep it, add `allow({name})`");
    // The use has the user's span, so that rustc does not name the macro as the origin.
    let spanned_item = Ident::new(&item.to_string(), *span);
    let use_of_item = quote_spanned!(*span=> #ty::#spanned_item);
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #ty {
            #[doc(hidden)]
            #[deprecated(note = #note)]
            #[allow(non_upper_case_globals)]
            const #item: () = ();
        }
        #(#cfgs)*
        const _: () = #use_of_item;
    }
}
