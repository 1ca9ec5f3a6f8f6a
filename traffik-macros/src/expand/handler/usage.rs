//! The hidden type that describes one use of throttles.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{GenericParam, Generics, Ident, Path};

use crate::expand::paths::Private;
use crate::expand::throttle::conditions;
use crate::expand::{settings, warnings};
use crate::model::{Cost, DefinedThrottle, ThrottledAttribute};
use crate::parse::Handler;

/// Returns the type's name. Names of types are not hygienic, so further attributes add their
/// number.
pub(crate) fn name(attribute: &ThrottledAttribute, handler: &Handler) -> Ident {
    let handler = handler.sig.ident.unraw();
    match attribute.gate.number {
        1 => format_ident!("__traffik_{handler}"),
        number => format_ident!("__traffik_{number}_{handler}"),
    }
}

/// Returns the throttle defined here, if it describes the use completely. Closures over generic
/// arguments need a type with the handler's generics.
fn throttle_itself<'a>(attribute: &'a ThrottledAttribute, handler: &Handler) -> Option<&'a Ident> {
    let defined = attribute.defined.as_ref().map(DefinedThrottle::name);
    let is_generic = !handler.sig.generics.params.is_empty();
    let needs_generics = attribute.closure_arguments.is_some() && is_generic;
    defined.filter(|_| attribute.throttles.is_empty() && !needs_generics)
}

/// Generates the type and its implementation, unless the throttle describes the use completely.
pub(crate) fn usage(
    attribute: &ThrottledAttribute,
    handler: &Handler,
    private: &Private,
) -> TokenStream {
    if throttle_itself(attribute, handler).is_some() {
        return TokenStream::new();
    }
    let ThrottledAttribute {
        krate: _,
        gate: _,
        closure_arguments,
        throttles,
        defined: _,
        cost,
        headers,
        on_throttled,
        spread,
        predicates,
        warnings,
    } = attribute;
    let name = name(attribute, handler);
    let vis = &handler.vis;
    let cfgs = conditions(&handler.attrs);
    let throttle = decided(attribute);
    let of = match closure_arguments {
        Some(_) => quote!(of_throttles::<#throttle>()),
        None => quote!(of::<Self, #throttle>()),
    };
    let headers = headers.map(|style| {
        let style = settings::headers(style, private);
        quote!(const HEADERS: #private::Option<#private::HeaderStyle> = #private::Option::Some(#style);)
    });
    let respond = on_throttled.as_ref().map(|path| {
        let responder = settings::responder(path, private);
        quote!(const RESPONDER: #private::Option<fn() -> #private::Responder> = #private::Option::Some(#responder);)
    });
    let spread = spread.map(|spread| {
        let spread = settings::duration(spread, private);
        quote!(const SPREAD: #private::Option<#private::Duration> = #private::Option::Some(#spread);)
    });
    let predicates = settings::predicates(predicates, private);
    let cost_method = cost.as_ref().and_then(|cost| cost_method(cost, private));
    let is_constant = matches!(cost, Some(Cost::Units(..))).then(|| {
        quote!(
            const COST_IS_CONSTANT: #private::bool = true;
        )
    });
    let has_callbacks = predicates.is_some() || cost_method.is_some();
    let has_callbacks = has_callbacks.then(|| {
        quote!(
            const HAS_CALLBACKS: #private::bool = true;
        )
    });
    let warnings = warnings::warnings(&name, warnings, &cfgs);
    let (generics, ty, bounds) = self::generics(attribute, handler);
    let item = match closure_arguments {
        Some(_) if !handler.sig.generics.params.is_empty() => {
            let marker = marker(&handler.sig.generics, private);
            quote!(#[allow(dead_code)] #vis struct #name #generics(#marker) #bounds;)
        }
        _ => quote!(#vis enum #name {}),
    };
    let cost_check = cost
        .as_ref()
        .map(|cost| cost_check(cost, throttles, private));
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_debug_implementations)]
        #item

        #(#cfgs)*
        #[automatically_derived]
        impl #generics #private::HandlerThrottle for #ty #bounds {
            const HIT_SOURCE: #private::HitSource = #private::HitSource::#of;
            #has_callbacks
            #headers
            #respond
            #spread
            #predicates
            #is_constant
            #cost_method
        }
        #warnings
        #(#cfgs)*
        #cost_check
    }
}

/// Returns the type's generics, the type with them, and their bounds. With closures it has the
/// generics of the handler.
pub(crate) fn generics(
    attribute: &ThrottledAttribute,
    handler: &Handler,
) -> (TokenStream, TokenStream, TokenStream) {
    let name =
        throttle_itself(attribute, handler).map_or_else(|| name(attribute, handler), Ident::clone);
    if attribute.closure_arguments.is_none() {
        return (TokenStream::new(), quote!(#name), TokenStream::new());
    }
    let (generics, arguments, bounds) = handler.sig.generics.split_for_impl();
    (quote!(#generics), quote!(#name #arguments), quote!(#bounds))
}

/// Returns a zero-sized field that mentions every generic.
fn marker(generics: &Generics, private: &Private) -> TokenStream {
    let mentions = generics.params.iter().filter_map(|param| match param {
        GenericParam::Lifetime(param) => {
            let lifetime = &param.lifetime;
            Some(quote!(&#lifetime ()))
        }
        GenericParam::Type(param) => {
            let ty = &param.ident;
            Some(quote!(#private::PhantomData<#ty>))
        }
        GenericParam::Const(_) => None,
    });
    quote!(#private::PhantomData<fn() -> (#(#mentions,)*)>)
}

/// Returns the throttles that are decided, as one type.
pub(crate) fn decided(attribute: &ThrottledAttribute) -> TokenStream {
    let throttles = &attribute.throttles[..];
    match (
        throttles,
        attribute.defined.as_ref().map(DefinedThrottle::name),
    ) {
        ([only], None) => quote!(#only),
        ([], Some(only)) => quote!(#only),
        (throttles, None) => quote!((#(#throttles),*)),
        (throttles, Some(defined)) => quote!((#(#throttles,)* #defined)),
    }
}

/// Generates the method for a cost that replaces every member's, unless a closure over the
/// handler's arguments computes it.
fn cost_method(cost: &Cost, private: &Private) -> Option<TokenStream> {
    let (parts, units) = match cost {
        Cost::Units(units, _) => {
            let units = Literal::u64_suffixed(*units);
            (quote!(_), quote!(#private::Result::Ok(#units)))
        }
        Cost::Function(path) => settings::call_item("cost_of", path, private),
        Cost::Closure(_) => return None,
    };
    Some(quote! {
        async fn cost(#parts: &#private::Parts) -> #private::Result<#private::Option<#private::u64>, #private::Error> {
            #units.map(#private::Option::Some)
        }
    })
}

/// Generates the compile-time check that every member can admit a constant cost.
fn cost_check(cost: &Cost, throttles: &[Path], private: &Private) -> Option<TokenStream> {
    let Cost::Units(units, tokens) = cost else {
        return None;
    };
    let span = tokens.span();
    let private = private.at(span);
    let checks = throttles.iter().map(|throttle| {
        let message = format!("a cost of {units} can never be admitted by `{}`; lower it", crate::model::text(throttle));
        quote_spanned!(span=> #private::core::assert!(#units <= <#throttle as #private::Throttle>::MAX_COST, #message);)
    });
    Some(quote!(const _: () = { #(#checks)* };))
}
