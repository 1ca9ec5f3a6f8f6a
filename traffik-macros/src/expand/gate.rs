//! The handler with its gate.

use proc_macro2::{Group, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::visit_mut::{VisitMut, visit_type_mut};
use syn::{FnArg, Ident, ReturnType, Type, parse_quote, parse_quote_spanned};

use super::paths::Private;
use super::site;
use crate::model::{Outcome, Seat, Site};
use crate::parse::{Handler, braces};

/// From this many arguments on, clippy finds one more too many.
const MANY_ARGUMENTS: usize = 7;

/// The handler, taking the gate and giving the gate's answer.
pub(crate) fn gated(site: &Site, handler: Handler, private: &Private) -> TokenStream {
    let gate = Seat::binding(
        site.defined.as_ref().map(Outcome::name),
        local(handler.sig.ident.span()),
    );
    let site_name = site::name(site, &handler);
    let Handler {
        attrs,
        vis,
        mut sig,
        body,
    } = handler;
    let allow =
        (sig.inputs.len() == MANY_ARGUMENTS).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    let argument: FnArg = parse_quote!(#gate: #private::Gate<#site_name>);
    sig.inputs.insert(site.seat.index, argument);
    let answer = braces(answer(&sig.output, &body, &gate, private), body.span());
    let end = sig.paren_token.span.close();
    let located = private.at(end);
    sig.output = parse_quote_spanned!(end=> -> #located::Response);
    quote! {
        #(#attrs)*
        #allow
        #vis #sig #answer
    }
}

/// The body runs as a block of its own, so that `return` and `?` end it and not the gate; its type is the one written.
/// Whether that can be an answer is judged at that type.
fn answer(output: &ReturnType, body: &Group, gate: &Ident, private: &Private) -> TokenStream {
    let (ty, place) = match output {
        ReturnType::Default => (parse_quote!(()), Span::call_site()),
        ReturnType::Type(_, ty) => ((**ty).clone(), ty.span()),
    };
    let ty = without_impl(ty);
    let hint = Ident::new("hint", local(place));
    let out = Ident::new("out", local(place));
    let located = private.at(place);
    let finish = quote_spanned!(place=> #located::Gate::finish(#gate, #out));
    quote! {
        let #out = async move {
            if let #private::Option::Some(#hint) = #private::Option::None::<#ty> {
                return #hint;
            }
            #body
        }.await;
        #finish
    }
}

/// A local name no one else sees.
fn local(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

/// The type with `_` for each `impl Trait`, which cannot be named.
fn without_impl(mut ty: Type) -> Type {
    struct Infer;
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            match ty {
                Type::ImplTrait(_) => *ty = parse_quote!(_),
                other => visit_type_mut(self, other),
            }
        }
    }
    Infer.visit_type_mut(&mut ty);
    ty
}
