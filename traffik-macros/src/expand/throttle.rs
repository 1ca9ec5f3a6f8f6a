//! A throttle: its type and what the type defines.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, Ident, Visibility};

use super::docs;
use super::on_error;
use super::paths::Private;
use super::settings;
use super::strategy;
use super::warnings;
use crate::model::{Definition, Outcome, Strategy};

/// The type of a throttle and its implementation of `Define`. Messages about the type show `place`.
pub(crate) fn throttle(
    outcome: &Outcome,
    attrs: &[Attribute],
    vis: &Visibility,
    place: Span,
    private: &Private,
) -> TokenStream {
    let cfgs = conditions(attrs);
    let (docs, items, warnings) = match outcome {
        Outcome::Whole(definition) => (
            Some(docs::of(definition, attrs)),
            whole(definition, vis, place, private),
            Some(warnings::warnings(
                outcome.name(),
                &definition.doubts,
                &cfgs,
            )),
        ),
        Outcome::Broken(name) => (None, broken(name, private), None),
    };
    let name = outcome.name();
    let item = quote_spanned!(place=> enum #name {});
    quote! {
        #(#attrs)*
        #docs
        #[allow(non_camel_case_types, missing_debug_implementations)]
        #vis #item

        #(#cfgs)*
        const _: () = { #items };

        #warnings
    }
}

/// The attributes that decide whether an item is there at all.
pub(crate) fn conditions(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .collect()
}

fn whole(definition: &Definition, vis: &Visibility, place: Span, private: &Private) -> TokenStream {
    let Definition {
        name,
        uid,
        policy,
        rates,
        strategy,
        identifier,
        cost,
        backend,
        on_error,
        timeout,
        min_wait,
        spread,
        on_throttled,
        shadow,
        applies,
        headers,
        scope,
        doubts: _,
    } = definition;
    let (strategy_type, own_strategy) = strategy::strategy(strategy, private);
    let text = name.unraw().to_string();
    let path = settings::path_setter(uid.as_ref(), name);
    let uid = settings::uid(uid.as_ref(), &text, private);
    let policy = policy.as_ref().map(|policy| quote!(.policy(#policy)));
    let rate_values = settings::rates(rates, private);
    let headers = headers.map(|headers| settings::headers_setter(headers, private));
    let backend = backend.as_ref().map(settings::backend_setter);
    let on_error = on_error
        .as_ref()
        .map(|policy| on_error::setter(policy, private));
    let timeout = timeout.map(|timeout| settings::timeout_setter(timeout, private));
    let min_wait = min_wait.map(|wait| settings::min_wait_setter(wait, private));
    let spread = spread.map(|spread| settings::spread_setter(spread, private));
    let on_throttled = on_throttled.as_ref();
    let on_throttled = on_throttled.map(|path| settings::on_throttled_setter(path, private));
    let shadow = shadow.then(|| quote!(.shadow()));
    let client_ip = identifier
        .as_ref()
        .and_then(|identifier| settings::client_ip_setter(identifier, private));
    let largest_cost = settings::largest_cost(strategy, rates, private);
    let (law, shared) = match own_strategy {
        None => (None, quote!(#strategy_type::PLAIN)),
        Some(value) => (
            Some(quote!(static __TRAFFIK_STRATEGY: #strategy_type = #value;)),
            quote_spanned!(strategy_type.span()=> &__TRAFFIK_STRATEGY),
        ),
    };
    let visible = strategy::visible(strategy, name, vis);
    let (new, strategy_place) = match strategy {
        Strategy::Known(_) => (quote!(new), Span::call_site()),
        Strategy::Custom(..) => (
            quote!(of_custom::<#name>),
            Span::call_site().located_at(strategy_type.span()),
        ),
    };
    let strategy_item = quote_spanned!(strategy_place=> type Strategy = #strategy_type;);
    let rate = settings::rate(rates, private);
    let applies = settings::applies(applies, private);
    let identified = identifier
        .as_ref()
        .and_then(|identifier| settings::identified_setter(identifier, private));
    let identify = identifier
        .as_ref()
        .and_then(|identifier| settings::identify(identifier, private));
    let units = cost.as_ref().and_then(settings::cost_setter);
    let cost = cost.as_ref().and_then(|cost| settings::cost(cost, private));
    let place = settings::place_setter(place, private);
    let scoped = scope
        .as_ref()
        .map(|scope| settings::scope_setter(scope, private));
    let scope = scope
        .as_ref()
        .and_then(|scope| settings::scope(scope, private));
    let asks = [&applies, &rate, &identify, &cost, &scope];
    let asks = asks.iter().any(|asks| asks.is_some());
    let is_plain = asks.then(|| quote!(const IS_PLAIN: #private::bool = false;));
    quote! {
        #law
        static __TRAFFIK_DECLARATION: #private::Declaration =
            #private::Declaration::#new(#uid, #text, &[#(#rate_values),*], #shared) #path #policy #place #identified #units #scoped #headers #backend #on_error #timeout #min_wait #spread #on_throttled #shadow #client_ip;

        #[automatically_derived]
        impl #private::Define for #name {
            #strategy_item
            #largest_cost
            #is_plain
            fn definition() -> &'static #private::Definition {
                __TRAFFIK_DECLARATION.definition()
            }
            #applies
            #rate
            #identify
            #cost
            #scope
        }

        #visible
    }
}

/// What lets uses of a broken throttle compile, so that only its own mistakes are told.
fn broken(name: &Ident, private: &Private) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl #private::Define for #name {
            type Strategy = #private::FixedWindow;
            fn definition() -> &'static #private::Definition {
                loop {}
            }
        }
    }
}
