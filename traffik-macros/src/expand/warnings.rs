//! Warnings. A macro of the stable compiler has no lints of its own, so each is a deprecated item and a use of it at the
//! tokens that are doubtful: "use of deprecated associated constant `Search::unreachable_rate`: …".

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Ident};

use crate::model::Doubt;

/// What warns of each doubt about a type: the throttle's, or the one that says what a use of throttles is. It stands beside
/// the type, whose name is in the message only there.
pub(crate) fn warnings(ty: &Ident, doubts: &[Doubt], cfgs: &[&Attribute]) -> TokenStream {
    let warnings = doubts.iter().enumerate().map(|(index, doubt)| {
        let same = doubts[..index]
            .iter()
            .filter(|earlier| earlier.name == doubt.name);
        let item = match same.count() {
            0 => format_ident!("{}", doubt.name),
            // Of one name there is one constant.
            others => format_ident!("{}_{}", doubt.name, others + 1),
        };
        warning(ty, &item, doubt, cfgs)
    });
    quote!(#(#warnings)*)
}

fn warning(ty: &Ident, item: &Ident, doubt: &Doubt, cfgs: &[&Attribute]) -> TokenStream {
    let Doubt {
        name,
        place,
        message,
    } = doubt;
    let note = format!("{message}; to keep it, add `allow({name})`");
    // Tokens of the user's own, so that the macro is not said to be where the warning comes from.
    let used = Ident::new(&item.to_string(), *place);
    let warned = quote_spanned!(*place=> #ty::#used);
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
        const _: () = #warned;
    }
}
