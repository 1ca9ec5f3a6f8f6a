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
use crate::model::{DefinedThrottle, Settings, Strategy, Throttle};

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

/// Generates the strategy, the declaration and the implementation of `Define`.
fn implementation(
    throttle: &Throttle,
    vis: &Visibility,
    span: Span,
    private: &Private,
) -> TokenStream {
    let Throttle {
        name,
        rates,
        strategy,
        settings,
        warnings: _,
    } = throttle;
    let (ty, value) = strategy::strategy(strategy, private);
    let (strategy_static, strategy_value) = match value {
        None => (None, quote!(#ty::DEFAULT)),
        Some(value) => (
            Some(quote!(static __TRAFFIK_STRATEGY: #ty = #value;)),
            quote_spanned!(ty.span()=> &__TRAFFIK_STRATEGY),
        ),
    };
    let constant_rates = settings::rates(rates, private);
    let is_limited = rates.constants().iter().all(|rate| !rate.is_unlimited());
    let (law_static, law) = match &*constant_rates {
        [rate] if is_limited && strategy::has_constant_law(strategy) => (
            Some(quote! {
                static __TRAFFIK_LAW: #private::Law = #ty::constant_law(#strategy_value, #rate);
            }),
            Some(quote!(.law(&__TRAFFIK_LAW))),
        ),
        _ => (None, None),
    };
    let (strategy_value, strategy_span) = match strategy {
        Strategy::BuiltIn(_) => (strategy_value, Span::call_site()),
        Strategy::Custom(..) => (
            quote!(#private::erased_strategy::<#name>(#strategy_value)),
            Span::call_site().located_at(ty.span()),
        ),
    };
    let strategy_type = quote_spanned!(strategy_span=> type Strategy = #ty;);
    let visibility_check = strategy::visibility_check(strategy, name, vis);
    let text = name.unraw().to_string();
    let uid = settings::uid(settings.uid.as_ref(), &text, private);
    let setters = setters(name, settings, span, private);
    let max_cost = settings::max_cost(strategy, rates, private);
    let callbacks = callbacks(throttle, private);
    let has_callbacks =
        (!callbacks.is_empty()).then(|| quote!(const HAS_CALLBACKS: #private::bool = true;));
    quote! {
        #strategy_static
        #law_static
        static __TRAFFIK_DECLARATION: #private::Declaration =
            #private::Declaration::new(
                #private::Settings::new(#uid, #text, &[#(#constant_rates),*], #strategy_value)
                    #law #setters
            );

        #[automatically_derived]
        impl #private::Define for #name {
            #strategy_type
            #max_cost
            #has_callbacks
            fn definition() -> &'static #private::Definition {
                __TRAFFIK_DECLARATION.definition()
            }
            #(#callbacks)*
        }

        #visibility_check
    }
}

/// Generates the setters of the declaration.
fn setters(name: &Ident, settings: &Settings, span: Span, private: &Private) -> TokenStream {
    let Settings {
        rates: _,
        strategy: _,
        identifier,
        cost,
        backend,
        on_error,
        timeout,
        lease,
        min_wait,
        spread,
        on_throttled,
        shadow,
        predicates: _,
        headers,
        scope,
        uid,
        policy,
        name: _,
        krate: _,
        allowed: _,
    } = settings;
    let identifier = identifier.as_ref();
    let type_path = settings::path_setter(uid.as_ref(), name);
    let policy = policy.as_ref().map(|policy| quote!(.policy(#policy)));
    let location = settings::location_setter(span, private);
    let identity = identifier.and_then(|it| settings::identity_setter(it, private));
    let client_ip = identifier.and_then(|it| settings::client_ip_setter(it, private));
    let cost = cost.as_ref().and_then(settings::cost_setter);
    let scope = scope.as_ref();
    let scope = scope.and_then(|scope| settings::scope_setter(scope, private));
    let headers = headers.map(|headers| settings::headers_setter(headers, private));
    let backend = backend.as_ref().map(settings::backend_setter);
    let on_error = on_error.as_ref();
    let on_error = on_error.map(|policy| on_error::setter(policy, private));
    let timeout = timeout.map(|timeout| settings::timeout_setter(timeout, private));
    let lease = lease.map(|life| settings::lease_setter(life, private));
    let min_wait = min_wait.map(|wait| settings::min_wait_setter(wait, private));
    let spread = spread.map(|spread| settings::spread_setter(spread, private));
    let on_throttled = on_throttled.as_ref();
    let on_throttled = on_throttled.map(|path| settings::on_throttled_setter(path, private));
    let shadow = shadow.then(|| quote!(.shadow()));
    quote! {
        #type_path #policy #location #identity #cost #scope #headers #backend #on_error #timeout
        #lease #min_wait #spread #on_throttled #shadow #client_ip
    }
}

/// Generates the methods that call the user's functions.
fn callbacks(throttle: &Throttle, private: &Private) -> Vec<TokenStream> {
    let Throttle {
        rates, settings, ..
    } = throttle;
    let identifier = settings.identifier.as_ref();
    let (cost, scope) = (settings.cost.as_ref(), settings.scope.as_ref());
    let methods = [
        settings::predicates(&settings.predicates, private),
        settings::rate(rates, private),
        identifier.and_then(|identifier| settings::identify(identifier, private)),
        cost.and_then(|cost| settings::cost(cost, private)),
        scope.and_then(|scope| settings::scope(scope, private)),
    ];
    methods.into_iter().flatten().collect()
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
