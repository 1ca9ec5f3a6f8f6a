//! The code of each key in an implementation of `Define`: one function for each.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, LitStr, Path};
use traffik_runtime::rate::Rate;

use super::paths::{Private, local};
use crate::model::{Cost, Headers, Identifier, IpOptions, Predicates, Rates, Scope, Strategy};

/// Returns the uid as written, or the path of the throttle.
pub(crate) fn uid(written: Option<&LitStr>, name: &str, private: &Private) -> TokenStream {
    let path = || quote!(#private::core::concat!(#private::core::module_path!(), "::", #name));
    written.map_or_else(path, ToTokens::to_token_stream)
}

/// Returns the setter of the type's path if no uid is written: it is the uid inside a function.
pub(crate) fn path_setter(written: Option<&LitStr>, name: &Ident) -> Option<TokenStream> {
    written.is_none().then(|| quote!(.type_path::<#name>()))
}

/// Returns the rates that are literals.
pub(crate) fn rates(rates: &Rates, private: &Private) -> Vec<TokenStream> {
    rates
        .constants()
        .into_iter()
        .map(|rate| constant_rate(rate, private))
        .collect()
}

fn constant_rate(rate: Rate, private: &Private) -> TokenStream {
    if rate.is_unlimited() {
        return quote!(#private::Rate::UNLIMITED);
    }
    let limit = rate.limit();
    let period = duration(rate.period(), private);
    quote!(#private::Rate::new(#limit, #period))
}

/// Returns a duration as an expression.
pub(super) fn duration(duration: std::time::Duration, private: &Private) -> TokenStream {
    let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    quote!(#private::Duration::new(#seconds, #nanoseconds))
}

/// Returns the method for a `rate` that is a path.
pub(crate) fn rate(rates: &Rates, private: &Private) -> Option<TokenStream> {
    let Rates::Path(path) = rates else {
        return None;
    };
    let (parts, rate) = call_item("rate_of", path, private);
    Some(quote! {
        async fn rate(#parts: &#private::Parts) -> #private::Result<#private::Option<#private::Rate>, #private::Error> {
            #rate.map(#private::Option::Some)
        }
    })
}

/// Returns the constant for the largest cost that can be admitted, if strategy and rates are
/// constant.
pub(crate) fn max_cost(
    strategy: &Strategy,
    rates: &Rates,
    private: &Private,
) -> Option<TokenStream> {
    match (strategy, rates) {
        (Strategy::BuiltIn(built_in), Rates::Constant(_)) => {
            let max = built_in.spec.largest_cost(&rates.constants());
            Some(quote!(const MAX_COST: #private::u64 = #max;))
        }
        _ => None,
    }
}

/// Returns the setter of `headers`.
pub(crate) fn headers_setter(style: Headers, private: &Private) -> TokenStream {
    let style = headers(style, private);
    quote!(.headers(#style))
}

/// Returns a style of header fields.
pub(crate) fn headers(style: Headers, private: &Private) -> TokenStream {
    let name = match style {
        Headers::Ietf => quote!(Ietf),
        Headers::Legacy => quote!(Legacy),
        Headers::Both => quote!(Both),
        Headers::None => quote!(None),
    };
    quote!(#private::HeaderStyle::#name)
}

/// Returns the setter of the source location. rustc takes the line from the span of the macro call,
/// so the call has the span of the throttle.
pub(crate) fn location_setter(span: Span, private: &Private) -> TokenStream {
    let core = quote!(#private::core);
    let private = private.spanned(span);
    let line = quote_spanned!(span=> #private::core::line!());
    quote!(.location(#core::concat!(#core::file!(), ":", #line)))
}

/// Returns the setter of `scope`.
pub(crate) fn scope_setter(scope: &Scope, private: &Private) -> Option<TokenStream> {
    match scope {
        Scope::Throttle => None,
        Scope::Route => Some(quote!(.scope(#private::Scope::Route))),
        Scope::Segment(text) => {
            Some(quote!(.scope(#private::Scope::Segment(#private::Cow::Borrowed(#text)))))
        }
        Scope::Path(path) => {
            let path = path.to_token_stream().to_string().replace(' ', "");
            Some(quote!(.scope_function(#path)))
        }
    }
}

/// Returns the setter of `backend`: a function that returns it, called once.
pub(crate) fn backend_setter(value: &Expr) -> TokenStream {
    quote!(.backend(|| #value))
}

/// Returns the setter of `timeout`.
pub(crate) fn timeout_setter(timeout: std::time::Duration, private: &Private) -> TokenStream {
    let timeout = duration(timeout, private);
    quote!(.timeout(#timeout))
}

/// Returns the setter of `lease`.
pub(crate) fn lease_setter(life: std::time::Duration, private: &Private) -> TokenStream {
    let life = duration(life, private);
    quote!(.lease(#life))
}

/// Returns the setter of `min_wait`.
pub(crate) fn min_wait_setter(wait: std::time::Duration, private: &Private) -> TokenStream {
    let wait = duration(wait, private);
    quote!(.min_wait(#wait))
}

/// Returns the setter of `spread`.
pub(crate) fn spread_setter(spread: std::time::Duration, private: &Private) -> TokenStream {
    let spread = duration(spread, private);
    quote!(.spread(#spread))
}

/// Returns the setter of `on_throttled`.
pub(crate) fn on_throttled_setter(path: &Path, private: &Private) -> TokenStream {
    let responder = responder(path, private);
    quote!(.on_throttled(#responder))
}

/// Returns the function that creates the responder of `on_throttled`, called once.
pub(crate) fn responder(path: &Path, private: &Private) -> TokenStream {
    let span = path.span();
    let private = private.at(span);
    quote_spanned!(span=> || #private::Responder::new(#path))
}

/// Returns the method for `only_if` and `skip_if`.
pub(crate) fn predicates(predicates: &Predicates, private: &Private) -> Option<TokenStream> {
    let Predicates { only_if, skip_if } = predicates;
    let parts = parts(Span::call_site());
    let call = |key: &str, predicate: &Path| {
        let span = predicate.span();
        let (private, parts) = (private.at(span), self::parts(span));
        quote_spanned!(span=> #private::applies!(#key, #predicate, #parts))
    };
    let only = only_if.as_ref().map(|path| call("only_if", path));
    let skip = skip_if.as_ref().map(|path| call("skip_if", path));
    let result = match (only, skip) {
        (None, None) => return None,
        (Some(only), None) => only,
        (None, Some(skip)) => quote!(#private::Result::Ok(!#skip?)),
        (Some(only), Some(skip)) => quote!(#private::Result::Ok(#only? && !#skip?)),
    };
    Some(quote! {
        async fn applies(#parts: &#private::Parts) -> #private::Result<#private::bool, #private::Error> {
            #result
        }
    })
}

/// Returns the setter of `ip(…)`: a function that returns the options, called once.
pub(crate) fn client_ip_setter(identifier: &Identifier, private: &Private) -> Option<TokenStream> {
    let Identifier::Ip(Some(IpOptions {
        trusted,
        header,
        prefix,
    })) = identifier
    else {
        return None;
    };
    let trusted = (!trusted.is_empty()).then(|| quote!(.trusted([#(#trusted),*])));
    let header = header.map(|header| {
        let name = Ident::new(&format!("{header:?}"), Span::mixed_site());
        quote!(.header(#private::ForwardingHeader::#name))
    });
    let prefix = prefix.map(|bits| quote!(.prefix(#bits)));
    Some(quote!(.client_ip(|| #private::ClientIp::new() #trusted #header #prefix)))
}

/// Returns the setter of an `identifier` that needs no callback.
pub(crate) fn identity_setter(identifier: &Identifier, private: &Private) -> Option<TokenStream> {
    let source = match identifier {
        Identifier::Closure(_) => quote!(Arguments),
        Identifier::Ip(_) => quote!(Ip),
        Identifier::Everyone => quote!(Everyone),
        Identifier::Header(name) => quote!(Header(#name)),
        Identifier::Function(_) => return None,
    };
    Some(quote!(.identity(#private::IdentitySource::#source)))
}

/// Returns the method for an `identifier` that is a function.
pub(crate) fn identify(identifier: &Identifier, private: &Private) -> Option<TokenStream> {
    let Identifier::Function(path) = identifier else {
        return None;
    };
    let (parts, identity) = call_item("identity_of", path, private);
    Some(quote! {
        async fn identify(#parts: &#private::Parts) -> #private::Result<#private::Identity, #private::Error> {
            #identity
        }
    })
}

/// Returns the setter of a `cost` that needs no callback.
pub(crate) fn cost_setter(cost: &Cost) -> Option<TokenStream> {
    match cost {
        Cost::Units(units, _) => {
            let units = Literal::u64_suffixed(*units);
            Some(quote!(.cost(#units)))
        }
        Cost::Closure(_) => Some(quote!(.cost_from_arguments())),
        Cost::Function(_) => None,
    }
}

/// Returns the method for a `cost` that is a function.
pub(crate) fn cost(cost: &Cost, private: &Private) -> Option<TokenStream> {
    let Cost::Function(path) = cost else {
        return None;
    };
    let (parts, units) = call_item("cost_of", path, private);
    Some(quote! {
        async fn cost(#parts: &#private::Parts) -> #private::Result<#private::u64, #private::Error> {
            #units
        }
    })
}

/// Returns the method for a `scope` that is a path.
pub(crate) fn scope(scope: &Scope, private: &Private) -> Option<TokenStream> {
    let Scope::Path(path) = scope else {
        return None;
    };
    let (parts, value) = call_item("scope_of", path, private);
    Some(quote! {
        fn scope(#parts: &#private::Parts) -> #private::Result<#private::Scope, #private::Error> {
            #value
        }
    })
}

/// Returns the parameter for the request's parts, and the value of a user's item for them. The item
/// is a value or a function, async or not, fallible or not; the named macro dispatches on its type.
pub(super) fn call_item(
    dispatch: &str,
    path: &Path,
    private: &Private,
) -> (TokenStream, TokenStream) {
    let span = path.span();
    let parts = parts(span);
    let private = private.at(span);
    let dispatch = Ident::new(dispatch, span);
    let value = quote_spanned!(span=> #private::#dispatch!(#path, #parts));
    (quote!(#parts), value)
}

/// Returns the variable for the request's parts, with the span of the user's function: there rustc
/// reports a function that takes something else.
fn parts(span: Span) -> Ident {
    local("parts", span)
}
