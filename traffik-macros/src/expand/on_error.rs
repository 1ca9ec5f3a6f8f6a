//! `on_error`: an expression that builds the policy, evaluated once.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::paths::Private;
use super::settings::duration;
use crate::model::{Breaker, ErrorKind, Failover, Fallback, OnError, Retry};

/// Generates the setter of the policy.
pub(crate) fn setter(policy: &OnError, private: &Private) -> TokenStream {
    let policy = match policy {
        OnError::Allow => quote!(#private::failure::allow),
        OnError::Throttle => quote!(#private::failure::throttle),
        OnError::Raise => quote!(#private::failure::raise),
        OnError::Handler(_) => {
            let handler = value(policy, private);
            quote!(|| #handler)
        }
        OnError::Retry(_) | OnError::Fallback(_) | OnError::Failover(_) => {
            let value = value(policy, private);
            quote!(|| #private::core::convert::From::from(#value))
        }
    };
    quote!(.on_error(#policy))
}

fn value(policy: &OnError, private: &Private) -> TokenStream {
    match policy {
        OnError::Allow => quote!(#private::failure::allow()),
        OnError::Throttle => quote!(#private::failure::throttle()),
        OnError::Raise => quote!(#private::failure::raise()),
        OnError::Retry(policy) => retry(policy, private),
        OnError::Fallback(policy) => {
            let backend = &policy.backend;
            let setters = fallback_setters(policy, private);
            quote!(#private::failure::fallback(#backend) #setters)
        }
        OnError::Failover(policy) => failover(policy, private),
        OnError::Handler(path) => {
            let span = path.span();
            let private = private.at(span);
            quote_spanned!(span=> #private::failure::custom(#path))
        }
    }
}

fn retry(policy: &Retry, private: &Private) -> TokenStream {
    let Retry {
        max_retries,
        delay,
        multiplier,
        jitter,
        on,
        even_if_it_may_have_counted,
        then,
        ..
    } = policy;
    let max_retries = max_retries.unwrap_or(3);
    let delay = set("delay", delay.map(|delay| duration(delay, private)));
    let multiplier = multiplier.map(|multiplier| quote!(.multiplier(#multiplier)));
    let jitter = jitter.map(|word| {
        let name = match word {
            "none" => quote!(None),
            "full" => quote!(Full),
            _ => quote!(Equal),
        };
        quote!(.jitter(#private::failure::Jitter::#name))
    });
    let on = kinds(on.as_deref(), private);
    let even_if_it_may_have_counted =
        even_if_it_may_have_counted.then(|| quote!(.even_if_it_may_have_counted()));
    let then = next(then.as_ref(), private);
    quote!(#private::failure::retry(#max_retries) #delay #multiplier #jitter #on #even_if_it_may_have_counted #then)
}

/// Generates the setters of a fallback, without its constructor.
fn fallback_setters(policy: &Fallback, private: &Private) -> TokenStream {
    let Fallback {
        backend: _,
        on,
        instances,
        then,
    } = policy;
    let on = kinds(on.as_deref(), private);
    let instances = instances.map(|instances| quote!(.instances(#instances)));
    let then = next(then.as_ref(), private);
    quote!(#on #instances #then)
}

fn failover(policy: &Failover, private: &Private) -> TokenStream {
    let Failover {
        fallback,
        breaker,
        max_retries,
        delay,
    } = policy;
    let backend = &fallback.backend;
    let setters = fallback_setters(fallback, private);
    let breaker = set(
        "breaker",
        breaker.as_ref().map(|it| self::breaker(it, private)),
    );
    let max_retries = max_retries.map(|retries| quote!(.max_retries(#retries)));
    let delay = set("delay", delay.map(|delay| duration(delay, private)));
    quote!(#private::failure::failover(#backend) #breaker #max_retries #delay #setters)
}

fn breaker(breaker: &Breaker, private: &Private) -> TokenStream {
    match breaker {
        Breaker::Static(path) => {
            let span = Span::call_site().located_at(path.span());
            quote_spanned!(span=> &#path)
        }
        Breaker::Value(value) => quote!(#value),
        Breaker::New {
            failures,
            recovery,
            successes,
        } => {
            let failures = failures.map(|failures| quote!(.failures(#failures)));
            let recovery = set("recovery", recovery.map(|time| duration(time, private)));
            let successes = successes.map(|successes| quote!(.successes(#successes)));
            quote!(#private::failure::CircuitBreaker::new() #failures #recovery #successes)
        }
    }
}

fn kinds(kinds: Option<&[ErrorKind]>, private: &Private) -> Option<TokenStream> {
    let kinds = kinds?.iter().map(|kind| match kind {
        ErrorKind::Connection => quote!(#private::ErrorKind::Connection),
        ErrorKind::Timeout => quote!(#private::ErrorKind::Timeout),
        ErrorKind::Contention => quote!(#private::ErrorKind::Contention),
    });
    Some(quote!(.on([#(#kinds),*])))
}

fn next(then: Option<&OnError>, private: &Private) -> Option<TokenStream> {
    set("then", then.map(|then| value(then, private)))
}

fn set(name: &str, value: Option<TokenStream>) -> Option<TokenStream> {
    let name = format_ident!("{name}");
    value.map(|value| quote!(.#name(#value)))
}
