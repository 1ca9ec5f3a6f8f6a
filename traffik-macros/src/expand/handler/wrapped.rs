//! A handler as it was written, inside a function that takes the gate and all arguments as one.
//!
//! The handler stays an `async fn` of its own arguments, so rustc reports its errors on user code,
//! and there is little generated code to compile for each handler.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    FnArg, Generics, Ident, Index, Pat, PatType, ReturnType, Safety, Signature, Token, Type,
};

use super::gate::{Gate, return_type};
use crate::expand::paths::local;
use crate::parse::{Handler, braces};

/// Generates the function that takes the gate with all arguments, and the handler in it.
pub(super) fn wrapped(gate: &Gate<'_>, handler: Handler) -> TokenStream {
    let uses = gate.argument_uses(&handler.sig);
    let allow_attrs = gate
        .has_closure_arguments()
        .then(|| gate.allow_attributes(&handler.sig));
    let Handler {
        attrs,
        vis,
        sig,
        body,
    } = handler;
    let body = if uses.is_empty() {
        body
    } else {
        let statements = body.stream();
        braces(quote!(#uses #statements), body.span())
    };
    let (inputs, arguments) = arguments(gate, &sig);
    let (ty, span) = match &sig.output {
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
        output: return_type(quote_spanned!(end=> #located::ThrottledFuture<#ty>), end),
    };
    let (binding, handler) = (&gate.binding, &sig.ident);
    // Clippy lints the generated call as if a user had written it.
    let has_unit = sig.inputs.iter().any(is_unit);
    let allow_unit = has_unit.then(|| quote!(#[allow(clippy::unit_arg)]));
    let located = gate.private.at(span);
    let future =
        quote_spanned!(span=> #located::run_handler(#binding.fields, #handler(#arguments)));
    quote! {
        #(#attrs)*
        #allow_attrs
        #allow_unit
        #vis #outer {
            #[allow(dead_code, clippy::unused_async)]
            #sig #body
            #future
        }
    }
}

/// Returns the parameters of the function, and the arguments that it passes to the handler in it.
fn arguments(gate: &Gate<'_>, sig: &Signature) -> (Punctuated<FnArg, Token![,]>, TokenStream) {
    if gate.has_closure_arguments() {
        let mut named = sig.clone();
        let names: Vec<_> = (0..sig.inputs.len()).map(argument_name).collect();
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
    // After other gates there may be no last argument.
    let last = head.drain(gate.index()..).next();
    let binding = &gate.binding;
    let indices = (0..head.len()).map(Index::from);
    let passed_last = last.iter().map(|_| quote!(#binding.last));
    let passed = quote!(#(#binding.head.#indices,)* #(#passed_last)*);
    let private = gate.private;
    let last = last.unwrap_or_else(|| quote!(#private::NoArgument));
    let argument = gate.all_arguments(&quote!((#(#head,)*)), &last);
    ([argument].into_iter().collect(), passed)
}

fn is_unit(argument: &FnArg) -> bool {
    let FnArg::Typed(PatType { ty, .. }) = argument else {
        return false;
    };
    matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

fn argument_name(number: usize) -> Ident {
    local(&format!("argument_{number}"), Span::call_site())
}
