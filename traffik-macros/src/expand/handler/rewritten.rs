//! A handler that cannot be wrapped: the gate becomes one of its own arguments.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::visit_mut::{VisitMut, visit_pat_ident_mut, visit_type_mut};
use syn::{
    FnArg, GenericParam, Generics, Ident, Lifetime, LifetimeParam, PatIdent, ReturnType, Signature,
    Type, TypeImplTrait, TypeParamBound, parse_quote,
};

use super::gate::{Gate, hidden_span, return_type};
use crate::expand::paths::{self, Private};
use crate::expand::throttle::conditions;
use crate::parse::{Handler, braces};

/// Generates the handler with the gate among its own arguments.
pub(super) fn rewritten(gate: &Gate<'_>, handler: Handler) -> TokenStream {
    let Handler {
        attrs,
        vis,
        mut sig,
        body,
    } = handler;
    let (uses, allow_attrs) = (gate.argument_uses(&sig), gate.allow_attributes(&sig));
    let response = response(&sig, &body, &gate.binding, gate.private);
    sig.inputs = gate.inputs(&sig);
    let body = braces(quote!(#uses #response), body.span());
    let end = sig.paren_token.span.close();
    let located = gate.private.at(end);
    let output = match borrowed_output(&sig) {
        Some(ty) => quote_spanned!(end=> #located::WithFields<#ty>),
        None => quote_spanned!(end=> #located::Response),
    };
    sig.output = return_type(output, end);
    quote! {
        #(#attrs)*
        #allow_attrs
        #vis #sig #body
    }
}

/// Generates the statements that run the body and turn its output into a response. The body is a
/// block of its own, so that `return` and `?` leave it and not the generated function. rustc
/// reports an output that is not a response at its type.
fn response(sig: &Signature, body: &Group, gate: &Ident, private: &Private) -> TokenStream {
    let Signature {
        output, generics, ..
    } = sig;
    let (ty, span) = match output {
        ReturnType::Default => (parse_quote!(()), Span::call_site()),
        ReturnType::Type(_, ty) => ((**ty).clone(), ty.span()),
    };
    let (ty, removed) = without_impl_traits(ty);
    let trait_uses = trait_uses(&removed, generics, span);
    // The block captures whole arguments, so that a handler may assign to a part of one before it
    // reads it.
    let captures = sig.inputs.iter().map(capture_whole);
    let hint = paths::local("hint", span);
    let out = paths::local("out", span);
    let located = private.at(span);
    let finish = match borrowed_output(sig) {
        Some(_) => quote_spanned!(span=> #located::WithFields::new(#gate.fields, #out)),
        None => quote_spanned!(span=> #located::add_fields(#gate.fields, #out)),
    };
    quote! {
        #trait_uses
        #[allow(unused_braces)]
        let #out = async move {
            #(#captures)*
            if let #private::Option::Some(#hint) = #private::Option::None::<#ty> {
                return #hint;
            }
            #body
        }.await;
        #finish
    }
}

/// Returns the output type of a handler, if it names one of the handler's lifetimes. rustc can
/// check only at a route that such a type is a response.
fn borrowed_output(sig: &Signature) -> Option<&Type> {
    let ReturnType::Type(_, ty) = &sig.output else {
        return None;
    };
    let mut lifetimes = Lifetimes::default();
    lifetimes.visit_type_mut(&mut (**ty).clone());
    let is_named = |param: &LifetimeParam| lifetimes.0.contains(&param.lifetime.ident);
    let (_, impl_traits) = without_impl_traits((**ty).clone());
    (sig.generics.lifetimes().any(is_named) && impl_traits.is_empty()).then_some(&**ty)
}

/// Collects the lifetimes that a type names.
#[derive(Default)]
struct Lifetimes(Vec<Ident>);

impl VisitMut for Lifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        self.0.push(lifetime.ident.clone());
    }
}

/// Generates uses of the `mut` variables that an argument binds.
fn capture_whole(argument: &FnArg) -> TokenStream {
    struct Variables(Vec<Ident>);
    impl VisitMut for Variables {
        fn visit_pat_ident_mut(&mut self, binding: &mut PatIdent) {
            if binding.mutability.is_some() {
                self.0.push(binding.ident.clone());
            }
            visit_pat_ident_mut(self, binding);
        }
    }
    let mut variables = Variables(Vec::new());
    variables.visit_fn_arg_mut(&mut argument.clone());
    let attrs = match argument {
        FnArg::Typed(typed) => &typed.attrs[..],
        FnArg::Receiver(_) => &[],
    };
    let cfgs = conditions(attrs);
    let uses = variables
        .0
        .iter()
        .map(|name| quote!(#(#cfgs)* let _ = &#name;));
    uses.collect()
}

/// Replaces each `impl Trait`, which cannot be named, by `_`. Returns the type and the replaced
/// ones.
fn without_impl_traits(mut ty: Type) -> (Type, Vec<TypeImplTrait>) {
    struct Replacer(Vec<TypeImplTrait>);
    impl VisitMut for Replacer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(impl_trait) = ty {
                self.0.push(impl_trait.clone());
                *ty = parse_quote!(_);
            } else {
                visit_type_mut(self, ty);
            }
        }
    }
    let mut replacer = Replacer(Vec::new());
    replacer.visit_type_mut(&mut ty);
    (ty, replacer.0)
}

/// Generates a function that names the traits of the replaced `impl Trait`s, so that their imports
/// stay in use. Those that name a generic of the handler cannot be repeated there.
fn trait_uses(removed: &[TypeImplTrait], generics: &Generics, span: Span) -> Option<TokenStream> {
    let own_generics: Vec<String> = generics.params.iter().map(generic_name).collect();
    let repeatable: Vec<_> = removed
        .iter()
        .filter(|impl_trait| {
            let captures =
                |bound: &TypeParamBound| matches!(bound, TypeParamBound::PreciseCapture(_));
            !impl_trait.bounds.iter().any(captures)
                && !names_any(impl_trait.to_token_stream(), &own_generics)
        })
        .collect();
    let name = Ident::new("__traffik_output_traits", hidden_span(span));
    (!repeatable.is_empty()).then(|| {
        quote! {
            #[allow(dead_code, clippy::needless_pass_by_value, clippy::missing_const_for_fn)]
            fn #name(#(_: #repeatable),*) {}
        }
    })
}

fn generic_name(param: &GenericParam) -> String {
    match param {
        GenericParam::Lifetime(param) => param.lifetime.ident.to_string(),
        GenericParam::Type(param) => param.ident.to_string(),
        GenericParam::Const(param) => param.ident.to_string(),
    }
}

fn names_any(tokens: TokenStream, names: &[String]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => names.iter().any(|name| ident == name),
        TokenTree::Group(group) => names_any(group.stream(), names),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
