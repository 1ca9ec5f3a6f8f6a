//! One function for each key: what it becomes in an implementation of `Define`.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, LitStr, Path};
use traffik_runtime::rate::Rate;

use super::paths::{Private, local};
use crate::model::{Applies, Cost, Headers, Identifier, Proxied, Rates, Scope, Strategy};

/// The uid as written, or the path of the throttle.
pub(crate) fn uid(written: Option<&LitStr>, name: &str, private: &Private) -> TokenStream {
    let path = || quote!(#private::core::concat!(#private::core::module_path!(), "::", #name));
    written.map_or_else(path, ToTokens::to_token_stream)
}

/// The path of the throttle's type, where no uid is written: inside a function it is the uid.
pub(crate) fn path_setter(written: Option<&LitStr>, name: &Ident) -> Option<TokenStream> {
    written.is_none().then(|| quote!(.path_of::<#name>()))
}

/// The rates known while compiling; none where a path is asked.
pub(crate) fn rates(rates: &Rates, private: &Private) -> Vec<TokenStream> {
    rates
        .fixed()
        .into_iter()
        .map(|rate| one_rate(rate, private))
        .collect()
}

fn one_rate(rate: Rate, private: &Private) -> TokenStream {
    if rate.is_unlimited() {
        return quote!(#private::Rate::UNLIMITED);
    }
    let limit = rate.limit();
    let period = duration(rate.period(), private);
    quote!(#private::Rate::new(#limit, #period))
}

pub(super) fn duration(duration: std::time::Duration, private: &Private) -> TokenStream {
    let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    quote!(#private::Duration::new(#seconds, #nanoseconds))
}

/// `rate`, where a path is asked for it.
pub(crate) fn rate(rates: &Rates, private: &Private) -> Option<TokenStream> {
    let Rates::Open(path) = rates else {
        return None;
    };
    let (parts, asked) = asked("rate_of", path, private);
    Some(quote! {
        async fn rate(#parts: &#private::Parts) -> #private::Result<#private::Option<#private::Rate>, #private::Error> {
            #asked.map(#private::Option::Some)
        }
    })
}

/// The largest cost a law ever admits, where it is known while compiling.
pub(crate) fn largest_cost(
    strategy: &Strategy,
    rates: &Rates,
    private: &Private,
) -> Option<TokenStream> {
    match (strategy, rates) {
        (Strategy::Known(known), Rates::Fixed(_)) => {
            let largest = known.spec.largest_cost(&rates.fixed());
            Some(quote!(const LARGEST_COST: #private::u64 = #largest;))
        }
        _ => None,
    }
}

/// `headers`.
pub(crate) fn headers_setter(style: Headers, private: &Private) -> TokenStream {
    let style = headers(style, private);
    quote!(.headers(#style))
}

/// A style of header fields.
pub(crate) fn headers(style: Headers, private: &Private) -> TokenStream {
    let name = match style {
        Headers::Ietf => quote!(Ietf),
        Headers::Legacy => quote!(Legacy),
        Headers::Both => quote!(Both),
        Headers::None => quote!(None),
    };
    quote!(#private::HeaderStyle::#name)
}

/// Where the throttle stands. A line is counted where rustc sees the macro asked for, so that has the place for its own.
pub(crate) fn place_setter(place: Span, private: &Private) -> TokenStream {
    let core = quote!(#private::core);
    let private = private.spanned(place);
    let line = quote_spanned!(place=> #private::core::line!());
    quote!(.place(#core::concat!(#core::file!(), ":", #line)))
}

/// `scope`, in a word.
pub(crate) fn scope_setter(scope: &Scope, private: &Private) -> TokenStream {
    let (word, scoped) = match scope {
        Scope::Throttle => ("throttle".to_owned(), None),
        Scope::Route => ("route".to_owned(), Some(quote!(Route))),
        Scope::Segment(text) => (text.value(), Some(quote!(Segment(#text)))),
        Scope::Open(path) => (path.to_token_stream().to_string().replace(' ', ""), None),
    };
    let scoped = scoped.map(|scoped| quote!(.scoped(#private::Scoped::#scoped)));
    quote!(.scope(#word) #scoped)
}

/// `backend`: a function that gives it, called once.
pub(crate) fn backend_setter(value: &Expr) -> TokenStream {
    quote!(.backend(|| #value))
}

/// `timeout`.
pub(crate) fn timeout_setter(timeout: std::time::Duration, private: &Private) -> TokenStream {
    let timeout = duration(timeout, private);
    quote!(.timeout(#timeout))
}

/// `min_wait`.
pub(crate) fn min_wait_setter(wait: std::time::Duration, private: &Private) -> TokenStream {
    let wait = duration(wait, private);
    quote!(.min_wait(#wait))
}

/// `spread`.
pub(crate) fn spread_setter(spread: std::time::Duration, private: &Private) -> TokenStream {
    let spread = duration(spread, private);
    quote!(.spread(#spread))
}

/// Returns the call that sets who answers refusals.
pub(crate) fn on_throttled_setter(path: &Path, private: &Private) -> TokenStream {
    let responder = responder(path, private);
    quote!(.on_throttled(#responder))
}

/// `on_throttled`: a function that gives the response, called once.
pub(crate) fn responder(path: &Path, private: &Private) -> TokenStream {
    let place = path.span();
    let private = private.at(place);
    quote_spanned!(place=> || #private::Responder::new(#path))
}

/// `only_if` and `skip_if`, where there are any.
pub(crate) fn applies(applies: &Applies, private: &Private) -> Option<TokenStream> {
    let Applies { only_if, skip_if } = applies;
    let parts = parts(Span::call_site());
    let asked = |key: &str, predicate: &Path| {
        let place = predicate.span();
        let (private, parts) = (private.at(place), self::parts(place));
        quote_spanned!(place=> #private::applies!(#key, #predicate, #parts))
    };
    let only = only_if.as_ref().map(|path| asked("only_if", path));
    let skip = skip_if.as_ref().map(|path| asked("skip_if", path));
    let answer = match (only, skip) {
        (None, None) => return None,
        (Some(only), None) => only,
        (None, Some(skip)) => quote!(#private::Result::Ok(!#skip?)),
        (Some(only), Some(skip)) => quote!(#private::Result::Ok(#only? && !#skip?)),
    };
    Some(quote! {
        async fn applies(#parts: &#private::Parts) -> #private::Result<#private::bool, #private::Error> {
            #answer
        }
    })
}

/// `identifier = ip(…)`: a function that says how the address is found, called once.
pub(crate) fn client_ip_setter(identifier: &Identifier, private: &Private) -> Option<TokenStream> {
    let Identifier::Ip(Some(Proxied {
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

/// `identifier`, where no function says so.
pub(crate) fn identified_setter(identifier: &Identifier, private: &Private) -> Option<TokenStream> {
    let identified = match identifier {
        Identifier::Ip(_) => quote!(ByIp),
        Identifier::Everyone => quote!(AsEveryone),
        Identifier::Header(name) => quote!(ByHeader(#name)),
        Identifier::Closure(_) | Identifier::Function(_) => return None,
    };
    Some(quote!(.identified(#private::Identified::#identified)))
}

/// `identifier`, where the application says so.
pub(crate) fn identify(identifier: &Identifier, private: &Private) -> Option<TokenStream> {
    let (parts, identity) = match identifier {
        Identifier::Ip(_) | Identifier::Everyone | Identifier::Header(_) => return None,
        Identifier::Closure(_) => (quote!(_), quote!(#private::Given::no_identity::<Self>())),
        Identifier::Function(path) => asked("identity_of", path, private),
    };
    Some(quote! {
        async fn identify(#parts: &#private::Parts) -> #private::Result<#private::Identity, #private::Error> {
            #identity
        }
    })
}

/// `cost`, where no function says so.
pub(crate) fn cost_setter(cost: &Cost) -> Option<TokenStream> {
    match cost {
        Cost::Units(units, _) => {
            let units = Literal::u64_suffixed(*units);
            Some(quote!(.cost(#units)))
        }
        Cost::Closure(_) | Cost::Function(_) => None,
    }
}

/// `cost`, where the application says so.
pub(crate) fn cost(cost: &Cost, private: &Private) -> Option<TokenStream> {
    if let Cost::Units(..) = cost {
        return None;
    }
    let (parts, units) = units(cost, private);
    Some(quote! {
        async fn cost(#parts: &#private::Parts) -> #private::Result<#private::u64, #private::Error> {
            #units
        }
    })
}

/// What a cost takes, and the `Result` it gives.
pub(crate) fn units(cost: &Cost, private: &Private) -> (TokenStream, TokenStream) {
    match cost {
        Cost::Units(units, _) => {
            let units = Literal::u64_suffixed(*units);
            (quote!(_), quote!(#private::Result::Ok(#units)))
        }
        // On a handler it is what the arguments say.
        Cost::Closure(_) => (quote!(_), quote!(#private::Given::no_cost::<Self>())),
        Cost::Function(path) => asked("cost_of", path, private),
    }
}

/// `scope`, where the application says so.
pub(crate) fn scope(scope: &Scope, private: &Private) -> Option<TokenStream> {
    let Scope::Open(path) = scope else {
        return None;
    };
    let (parts, value) = asked("scope_of", path, private);
    Some(quote! {
        fn scope(#parts: &#private::Parts) -> #private::Result<#private::Scope, #private::Error> {
            #value
        }
    })
}

/// What a user's item says of the request's parts, with the name of the argument that holds them. Whether the item is a
/// value or a function, async or fallible, its type decides.
fn asked(question: &str, path: &Path, private: &Private) -> (TokenStream, TokenStream) {
    let place = path.span();
    let parts = parts(place);
    let private = private.at(place);
    let question = Ident::new(question, place);
    let answer = quote_spanned!(place=> #private::#question!(#path, #parts));
    (quote!(#parts), answer)
}

/// The request's parts. A constant of the user's may have any name that is not ours, and would be a pattern then. Their
/// place is the user's function: one that takes something else is told so there.
fn parts(place: Span) -> Ident {
    local("parts", place)
}
