//! A handler as it was written, inside a function that takes its gate and its arguments as one.
//!
//! Its body stays the body of an `async fn` of its arguments, so all the compiler says of it is about what was written, and
//! there is as little as can be to compile for each handler.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit_mut::{VisitMut, visit_type_reference_mut};
use syn::{
    Attribute, FnArg, Generics, Ident, Index, Lifetime, Pat, PatType, ReturnType, Safety,
    Signature, Token, Type, TypeImplTrait, TypeReference,
};

use super::gate::{Gate, giving};
use crate::parse::{Handler, braces};

/// Whether a handler can stay as it was written. One with generics may borrow, and what is still to come of other attributes
/// may be about its arguments: these are given the gate themselves.
pub(super) fn can_stay(handler: &Handler) -> bool {
    let Handler { attrs, sig, .. } = handler;
    let is_plain = sig.asyncness.is_some()
        && sig.constness.is_none()
        && matches!(sig.safety, Safety::Default)
        && sig.abi.is_none()
        && sig.variadic.is_none();
    is_plain
        && sig.generics.params.is_empty()
        && sig.generics.where_clause.is_none()
        && sig.inputs.iter().all(is_owned)
        && is_answer(&sig.output)
        && attrs.iter().all(is_inert)
}

/// Whether an attribute changes nothing about a function.
fn is_inert(attribute: &Attribute) -> bool {
    const BUILT_IN: [&str; 10] = [
        "allow",
        "cfg",
        "cold",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "forbid",
        "inline",
        "warn",
    ];
    const TOOLS: [&str; 3] = ["clippy", "diagnostic", "rustfmt"];
    let path = attribute.path();
    let first = path.segments.first();
    BUILT_IN.iter().any(|name| path.is_ident(name))
        || path.segments.len() > 1
            && first.is_some_and(|first| TOOLS.iter().any(|tool| first.ident == tool))
}

fn is_owned(argument: &FnArg) -> bool {
    match argument {
        FnArg::Typed(PatType { attrs, ty, .. }) => {
            let found = Found::within(ty);
            attrs.is_empty() && !found.borrowed && !found.opaque
        }
        FnArg::Receiver(_) => false,
    }
}

fn is_answer(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => !matches!(**ty, Type::Never(_)) && !Found::within(ty).borrowed,
    }
}

/// What there is in a type.
#[derive(Default)]
struct Found {
    borrowed: bool,
    opaque: bool,
}

impl Found {
    fn within(ty: &Type) -> Self {
        let mut found = Self::default();
        found.visit_type_mut(&mut ty.clone());
        found
    }
}

impl VisitMut for Found {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        self.borrowed |= lifetime.ident != "static";
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        self.borrowed |= reference.lifetime.is_none();
        visit_type_reference_mut(self, reference);
    }

    fn visit_type_impl_trait_mut(&mut self, _: &mut TypeImplTrait) {
        self.opaque = true;
    }
}

/// The function that takes the gate with the handler's arguments in it, and the handler.
pub(super) fn verbatim(gate: &Gate<'_>, handler: Handler) -> TokenStream {
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
    let located = gate.private.at(place);
    let answering =
        quote_spanned!(place=> #located::answering(#binding.told, #handler(#arguments)));
    quote! {
        #(#attrs)*
        #lints
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

fn argument(number: usize) -> Ident {
    format_ident!("argument_{number}", span = Span::mixed_site())
}
