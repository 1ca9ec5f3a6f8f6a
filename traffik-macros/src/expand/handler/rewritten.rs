//! A handler that cannot stay as it was written: the gate is one of its own arguments.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::visit_mut::{VisitMut, visit_pat_ident_mut, visit_type_mut};
use syn::{
    FnArg, GenericParam, Generics, Ident, Lifetime, LifetimeParam, PatIdent, ReturnType, Signature,
    Type, TypeImplTrait, TypeParamBound, parse_quote,
};

use super::gate::{Gate, giving, hidden};
use crate::expand::paths::{self, Private};
use crate::expand::throttle::conditions;
use crate::parse::{Handler, braces};

/// The handler with the gate among its own arguments.
pub(super) fn rewritten(gate: &Gate<'_>, handler: Handler) -> TokenStream {
    let Handler {
        attrs,
        vis,
        mut sig,
        body,
    } = handler;
    let (uses, lints) = (gate.uses(&sig), gate.lints(&sig));
    let answer = answer(&sig, &body, &gate.binding, gate.private);
    sig.inputs = gate.inputs(&sig);
    let answer = braces(quote!(#uses #answer), body.span());
    let end = sig.paren_token.span.close();
    let located = gate.private.at(end);
    let given = match lent(&sig) {
        Some(ty) => quote_spanned!(end=> #located::Answered<#ty>),
        None => quote_spanned!(end=> #located::Response),
    };
    sig.output = giving(given, end);
    quote! {
        #(#attrs)*
        #lints
        #vis #sig #answer
    }
}

/// The body runs as a block of its own, so that `return` and `?` end it and not the gate; its type is the one written.
/// Whether that can be an answer is judged at that type.
fn answer(sig: &Signature, body: &Group, gate: &Ident, private: &Private) -> TokenStream {
    let Signature {
        output, generics, ..
    } = sig;
    let (ty, place) = match output {
        ReturnType::Default => (parse_quote!(()), Span::call_site()),
        ReturnType::Type(_, ty) => ((**ty).clone(), ty.span()),
    };
    let (ty, dropped) = without_impl(ty);
    let mentions = mentions(&dropped, generics, place);
    // The block takes an argument whole: it is no fault of the handler's to replace a part of one before it is read.
    let kept = sig.inputs.iter().map(kept_whole);
    let hint = paths::local("hint", place);
    let out = paths::local("out", place);
    let located = private.at(place);
    let finish = match lent(sig) {
        Some(_) => quote_spanned!(place=> #located::Answered::new(#gate.told, #out)),
        None => quote_spanned!(place=> #located::finish(#gate.told, #out)),
    };
    quote! {
        #mentions
        #[allow(unused_braces)]
        let #out = async move {
            #(#kept)*
            if let #private::Option::Some(#hint) = #private::Option::None::<#ty> {
                return #hint;
            }
            #body
        }.await;
        #finish
    }
}

/// The type that a handler gives, if it names a lifetime that only who routes the handler chooses. Whether that is an answer
/// is not known before.
fn lent(sig: &Signature) -> Option<&Type> {
    let ReturnType::Type(_, ty) = &sig.output else {
        return None;
    };
    let mut lifetimes = Lifetimes::default();
    lifetimes.visit_type_mut(&mut (**ty).clone());
    let is_own = |param: &LifetimeParam| lifetimes.0.contains(&param.lifetime.ident);
    let (_, nameless) = without_impl((**ty).clone());
    (sig.generics.lifetimes().any(is_own) && nameless.is_empty()).then_some(&**ty)
}

/// The lifetimes that a type names.
#[derive(Default)]
struct Lifetimes(Vec<Ident>);

impl VisitMut for Lifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        self.0.push(lifetime.ident.clone());
    }
}

/// Uses of what an argument binds as variables.
fn kept_whole(argument: &FnArg) -> TokenStream {
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

/// The type with `_` for each `impl Trait`, which cannot be named; and those.
fn without_impl(mut ty: Type) -> (Type, Vec<TypeImplTrait>) {
    struct Infer(Vec<TypeImplTrait>);
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(dropped) = ty {
                self.0.push(dropped.clone());
                *ty = parse_quote!(_);
            } else {
                visit_type_mut(self, ty);
            }
        }
    }
    let mut infer = Infer(Vec::new());
    infer.visit_type_mut(&mut ty);
    (ty, infer.0)
}

/// A function that names the traits of the `impl Trait`s which the answer no longer names, so that their imports stay in
/// use; those that name a generic of the handler cannot be repeated there.
fn mentions(dropped: &[TypeImplTrait], generics: &Generics, place: Span) -> Option<TokenStream> {
    let own: Vec<String> = generics.params.iter().map(name_of).collect();
    let repeatable: Vec<_> = dropped
        .iter()
        .filter(|dropped| {
            let captures =
                |bound: &TypeParamBound| matches!(bound, TypeParamBound::PreciseCapture(_));
            !dropped.bounds.iter().any(captures) && !names_any(dropped.to_token_stream(), &own)
        })
        .collect();
    let name = Ident::new("__traffik_answers", hidden(place));
    (!repeatable.is_empty()).then(|| {
        quote! {
            #[allow(dead_code, clippy::needless_pass_by_value, clippy::missing_const_for_fn)]
            fn #name(#(_: #repeatable),*) {}
        }
    })
}

fn name_of(param: &GenericParam) -> String {
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
