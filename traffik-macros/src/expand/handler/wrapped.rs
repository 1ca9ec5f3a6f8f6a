//! A handler as it was written, inside a function that takes its gate and its arguments as one.
//!
//! Its body stays the body of an `async fn` of its arguments, so all the compiler says of it is about what was written, and
//! there is as little as can be to compile for each handler.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    FnArg, Generics, Ident, Index, Pat, PatType, ReturnType, Safety, Signature, Token, Type,
};

use super::gate::{Gate, giving};
use crate::expand::paths::local;
use crate::parse::{Handler, braces};

/// The function that takes the gate with the handler's arguments in it, and the handler.
pub(super) fn wrapped(gate: &Gate<'_>, handler: Handler) -> TokenStream {
    let uses = gate.uses(&handler.sig);
    let lints = gate.is_bundled().then(|| gate.lints(&handler.sig));
    let Handler {
        attrs,
        vis,
        sig,
        body,
    } = handler;
    let body = if uses.is_empty() {
        body
    } else {
        let written = body.stream();
        braces(quote!(#uses #written), body.span())
    };
    let (inputs, arguments) = arguments(gate, &sig);
    let (ty, place) = match &sig.output {
        ReturnType::Default => (quote!(()), Span::call_site()),
        ReturnType::Type(_, ty) => (quote!(#ty), ty.span()),
    };
    let end = sig.paren_token.span.close();
    let located = gate.private.at(end);
    let outer = Signature {
        constness: None,
        asyncness: None,
        safety: Safety::Default,
        abi: None,
        fn_token: sig.fn_token,
        ident: sig.ident.clone(),
        generics: Generics::default(),
        paren_token: sig.paren_token,
        inputs,
        variadic: None,
        output: giving(quote_spanned!(end=> #located::Answering<#ty>), end),
    };
    let (binding, handler) = (&gate.binding, &sig.ident);
    // Clippy takes the call for a written one.
    let unit = sig.inputs.iter().any(is_unit);
    let unit = unit.then(|| quote!(#[allow(clippy::unit_arg)]));
    let located = gate.private.at(place);
    let answering =
        quote_spanned!(place=> #located::answering(#binding.told, #handler(#arguments)));
    quote! {
        #(#attrs)*
        #lints
        #unit
        #vis #outer {
            #[allow(dead_code, clippy::unused_async)]
            #sig #body
            #answering
        }
    }
}

/// What the function takes, and what it gives to the handler in it.
fn arguments(gate: &Gate<'_>, sig: &Signature) -> (Punctuated<FnArg, Token![,]>, TokenStream) {
    if gate.is_bundled() {
        let mut named = sig.clone();
        let names: Vec<_> = (0..sig.inputs.len()).map(argument).collect();
        for (argument, name) in named.inputs.iter_mut().zip(&names) {
            if let FnArg::Typed(argument) = argument {
                *argument.pat = Pat::Verbatim(quote!(#name));
            }
        }
        return (gate.inputs(&named), quote!(#(#names),*));
    }
    let types = sig.inputs.iter().map(|argument| match argument {
        FnArg::Typed(argument) => argument.ty.to_token_stream(),
        FnArg::Receiver(_) => TokenStream::new(),
    });
    let mut head: Vec<_> = types.collect();
    // Behind other gates there may be none.
    let last = head.drain(gate.place()..).next();
    let binding = &gate.binding;
    let places = (0..head.len()).map(Index::from);
    let given_last = last.iter().map(|_| quote!(#binding.last));
    let given = quote!(#(#binding.head.#places,)* #(#given_last)*);
    let last = last.unwrap_or_else(|| quote!(()));
    let argument = gate.whole(&quote!((#(#head,)*)), &last);
    ([argument].into_iter().collect(), given)
}

fn is_unit(argument: &FnArg) -> bool {
    let FnArg::Typed(PatType { ty, .. }) = argument else {
        return false;
    };
    matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

fn argument(number: usize) -> Ident {
    local(&format!("argument_{number}"), Span::call_site())
}
