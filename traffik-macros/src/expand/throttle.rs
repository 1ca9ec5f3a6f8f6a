//! The type of a throttle and its implementation of `Define`.

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
use crate::model::{DefinedThrottle, Strategy, Throttle};

/// Generates the type of a throttle and its implementation of `Define`. rustc reports the type at
/// `span`.
pub(crate) fn throttle(
    defined: &DefinedThrottle,
    attrs: &[Attribute],
    vis: &Visibility,
    span: Span,
    private: &Private,
) -> TokenStream {
    let cfgs = conditions(attrs);
    let (docs, items, warnings) = match defined {
        DefinedThrottle::Valid(throttle) => (
            Some(docs::docs(throttle, attrs)),
            implementation(throttle, vis, span, private),
            Some(warnings::warnings(
                &throttle.name,
                &throttle.warnings,
                &cfgs,
            )),
        ),
        DefinedThrottle::Invalid(name) => (None, stub(name, private), None),
    };
    let name = defined.name();
    let item = quote_spanned!(span=> enum #name {});
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

/// Returns the `cfg` attributes.
pub(crate) fn conditions(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cfg"))
        .collect()
}

fn implementation(
    throttle: &Throttle,
    vis: &Visibility,
    span: Span,
    private: &Private,
) -> TokenStream {
    let Throttle {
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
        predicates,
        headers,
        scope,
        warnings: _,
    } = throttle;
    let (strategy_type, strategy_value) = strategy::strategy(strategy, private);
    let text = name.unraw().to_string();
    let type_path = settings::path_setter(uid.as_ref(), name);
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
    let max_cost = settings::max_cost(strategy, rates, private);
    let (law, shared) = match strategy_value {
        None => (None, quote!(#strategy_type::PLAIN)),
        Some(value) => (
            Some(quote!(static __TRAFFIK_STRATEGY: #strategy_type = #value;)),
            quote_spanned!(strategy_type.span()=> &__TRAFFIK_STRATEGY),
        ),
    };
    let visibility_check = strategy::visibility_check(strategy, name, vis);
    let (shared, strategy_span) = match strategy {
        Strategy::BuiltIn(_) => (shared, Span::call_site()),
        Strategy::Custom(..) => (
            quote!(#private::erased_strategy::<#name>(#shared)),
            Span::call_site().located_at(strategy_type.span()),
        ),
    };
    let strategy_item = quote_spanned!(strategy_span=> type Strategy = #strategy_type;);
    let rate = settings::rate(rates, private);
    let predicates = settings::predicates(predicates, private);
    let identity = identifier
        .as_ref()
        .and_then(|identifier| settings::identity_setter(identifier, private));
    let identify = identifier
        .as_ref()
        .and_then(|identifier| settings::identify(identifier, private));
    let constant_cost = cost.as_ref().and_then(settings::cost_setter);
    let cost = cost.as_ref().and_then(|cost| settings::cost(cost, private));
    let location = settings::location_setter(span, private);
    let scope_setter = scope
        .as_ref()
        .and_then(|scope| settings::scope_setter(scope, private));
    let scope = scope
        .as_ref()
        .and_then(|scope| settings::scope(scope, private));
    let callbacks = [&predicates, &rate, &identify, &cost, &scope];
    let has_callbacks = callbacks.iter().any(|callback| callback.is_some());
    let is_static = has_callbacks.then(|| quote!(const HAS_CALLBACKS: #private::bool = true;));
    quote! {
        #law
        static __TRAFFIK_DECLARATION: #private::Declaration =
            #private::Declaration::new(
                #private::Settings::new(#uid, #text, &[#(#rate_values),*], #shared)
                    #type_path #policy #location #identity #constant_cost #scope_setter #headers #backend #on_error #timeout #min_wait #spread #on_throttled #shadow #client_ip
            );

        #[automatically_derived]
        impl #private::Define for #name {
            #strategy_item
            #max_cost
            #is_static
            fn definition() -> &'static #private::Definition {
                __TRAFFIK_DECLARATION.definition()
            }
            #predicates
            #rate
            #identify
            #cost
            #scope
        }

        #visibility_check
    }
}

/// Generates an implementation for a throttle with errors, so that its uses compile and only its
/// own errors are reported.
fn stub(name: &Ident, private: &Private) -> TokenStream {
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
