//! A crate without a prelude or imports.

#![no_implicit_prelude]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::all, clippy::pedantic)]

use ::axum::http::request::Parts;
use ::axum::http::{Method, Uri};
use ::axum::routing::get;
use ::std::string::{String, ToString};

#[::traffik::throttled(rate = "5/s")]
async fn least() {}

#[::traffik::throttled(
    rate = ["5/s", "10/minute"],
    strategy = gcra(burst_tolerance = "5s"),
    identifier = header("x-api-key"),
    cost = 2,
    scope = route,
    headers = both,
    on_error = retry(max_retries = 3, delay = "100ms", multiplier = 2.0, on = [connection]),
    only_if = is_read,
    min_wait = "1s",
    lease = "1s",
    spread = "1s",
    timeout = "1s",
    uid = "many",
    name = Many,
)]
async fn many(method: Method, uri: Uri) -> String {
    let mut text = ToString::to_string(&method);
    text.push_str(uri.path());
    text
}

fn is_read(parts: &Parts) -> bool {
    parts.method.is_safe()
}

#[::traffik::throttled(rate = "5/s", identifier = |method| ToString::to_string(method), cost = |text| text.len())]
async fn closures(method: Method, text: String) -> String {
    ::std::mem::drop(method);
    text
}

#[::traffik::throttled(least, cost = 2, headers = legacy, skip_if = is_read)]
async fn set() -> &'static str {
    "set"
}

#[::traffik::throttled(
    least,
    rate = "1/s",
    on_error = fallback(backend = ::traffik::Backend::memory(), on = [connection, timeout]),
)]
#[must_use]
async fn attributes() -> &'static str {
    "attributes"
}

::traffik::throttles! {
    defaults(headers = both, on_error = failover(backend = ::traffik::Backend::memory()));

    throttle Plans(rate = "5/s", strategy = tiered(free = 1.0, premium = 5.0, default = free));
    throttle Costly(rate = "5/s", cost = 5, strategy = token_bucket(burst = 7));
}

// By its absolute path.
extern crate self as program;

#[::traffik::throttled(::program::Plans, self::Costly)]
async fn paths() {}

fn main() {
    let layer = ::traffik::ThrottleLayer::new().throttle::<(Plans, Costly)>();
    let _: ::axum::Router = ::axum::Router::new()
        .route("/1", get(least))
        .route("/2", get(many))
        .route("/3", get(closures))
        .route("/4", get(set))
        .route("/5", get(attributes))
        .route("/6", get(paths))
        .layer(layer);
}
