//! The hidden type that says what one use of throttles is.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{GenericParam, Generics, Ident, Path};

use crate::expand::paths::Private;
use crate::expand::throttle::conditions;
use crate::expand::{settings, warnings};
use crate::model::{Cost, Outcome, Site};
use crate::parse::Handler;

/// The type's name. Names of types are not hygienic, so a further attribute's has its number.
pub(crate) fn name(site: &Site, handler: &Handler) -> Ident {
    let handler = handler.sig.ident.unraw();
    match site.seat.number {
        1 => format_ident!("__traffik_{handler}"),
        number => format_ident!("__traffik_{number}_{handler}"),
    }
}

/// The throttle defined here, where there is no more to the use: it is the site itself.
fn itself(site: &Site) -> Option<&Ident> {
    let defined = site.defined.as_ref().map(Outcome::name);
    defined.filter(|_| site.throttles.is_empty() && site.bundle.is_none())
}

/// The type and its implementation of `Site`, unless the throttle that is defined here is all there is to say.
pub(crate) fn usage(site: &Site, handler: &Handler, private: &Private) -> TokenStream {
    if itself(site).is_some() {
        return TokenStream::new();
    }
    let Site {
        krate: _,
        seat: _,
        bundle,
        throttles,
        defined: _,
        cost,
        headers,
        on_throttled,
        spread,
        applies,
        doubts,
    } = site;
    let name = name(site, handler);
    let vis = &handler.vis;
    let cfgs = conditions(&handler.attrs);
    let throttle = decided(site);
    let of = match bundle {
        Some(_) => quote!(of_closures::<#throttle>()),
        None => quote!(of::<Self, #throttle>()),
    };
    let headers = headers.map(|style| {
        let style = settings::headers(style, private);
        quote!(const HEADERS: #private::Option<#private::HeaderStyle> = #private::Option::Some(#style);)
    });
    let respond = on_throttled.as_ref().map(|path| {
        let responder = settings::responder(path, private);
        quote!(const RESPOND: #private::Option<fn() -> #private::Responder> = #private::Option::Some(#responder);)
    });
    let spread = spread.map(|spread| {
        let spread = settings::duration(spread, private);
        quote!(const SPREAD: #private::Option<#private::Duration> = #private::Option::Some(#spread);)
    });
    let applies = settings::applies(applies, private);
    // What closures say is more than the request's parts can tell.
    let known = |cost: &&Cost| !matches!(cost, Cost::Closure(_));
    let price = cost.as_ref().filter(known).map(|cost| price(cost, private));
    let is_constant = matches!(cost, Some(Cost::Units(..))).then(|| {
        quote!(
            const COST_IS_CONSTANT: #private::bool = true;
        )
    });
    let asks = applies.is_some() || price.is_some() || bundle.is_some();
    let is_plain = asks.then(|| {
        quote!(
            const IS_PLAIN: #private::bool = false;
        )
    });
    let warnings = warnings::warnings(&name, doubts, &cfgs);
    let (generics, ty, bounds) = self::generics(site, handler);
    let item = match bundle {
        Some(_) if !handler.sig.generics.params.is_empty() => {
            let held = held(&handler.sig.generics, private);
            quote!(#[allow(dead_code)] #vis struct #name #generics(#held) #bounds;)
        }
        _ => quote!(#vis enum #name {}),
    };
    let check = cost.as_ref().map(|cost| check(cost, throttles, private));
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_debug_implementations)]
        #item

        #(#cfgs)*
        #[automatically_derived]
        impl #generics #private::Site for #ty #bounds {
            const USE: #private::Use = #private::Use::#of;
            #is_plain
            #headers
            #respond
            #spread
            #applies
            #is_constant
            #price
        }
        #warnings
        #(#cfgs)*
        #check
    }
}

/// The type's generics, the type with them, and their bounds: it has those of the handler if closures name types.
pub(crate) fn generics(site: &Site, handler: &Handler) -> (TokenStream, TokenStream, TokenStream) {
    let name = itself(site).map_or_else(|| name(site, handler), Ident::clone);
    if site.bundle.is_none() {
        return (TokenStream::new(), quote!(#name), TokenStream::new());
    }
    let (generics, arguments, bounds) = handler.sig.generics.split_for_impl();
    (quote!(#generics), quote!(#name #arguments), quote!(#bounds))
}

/// A field that mentions every generic and holds nothing.
fn held(generics: &Generics, private: &Private) -> TokenStream {
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

/// The throttles that are decided, as one type.
pub(crate) fn decided(site: &Site) -> TokenStream {
    let throttles = &site.throttles[..];
    match (throttles, site.defined.as_ref().map(Outcome::name)) {
        ([only], None) => quote!(#only),
        ([], Some(only)) => quote!(#only),
        (throttles, None) => quote!((#(#throttles),*)),
        (throttles, Some(defined)) => quote!((#(#throttles,)* #defined)),
    }
}

fn price(cost: &Cost, private: &Private) -> TokenStream {
    let (parts, units) = settings::units(cost, private);
    quote! {
        async fn cost(#parts: &#private::Parts) -> #private::Result<#private::Option<#private::u64>, #private::Error> {
            #units.map(#private::Option::Some)
        }
    }
}

/// Refuses, while compiling, a cost that a member never admits.
fn check(cost: &Cost, throttles: &[Path], private: &Private) -> Option<TokenStream> {
    let Cost::Units(units, written) = cost else {
        return None;
    };
    let place = written.span();
    let private = private.at(place);
    let checks = throttles.iter().map(|throttle| {
        let message = format!("a cost of {units} can never be admitted by `{}`; lower it", crate::model::text(throttle));
        quote_spanned!(place=> #private::core::assert!(#units <= <#throttle as #private::Throttle>::LARGEST_COST, #message);)
    });
    Some(quote!(const _: () = { #(#checks)* };))
}
