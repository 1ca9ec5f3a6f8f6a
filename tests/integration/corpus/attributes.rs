//! Attributes above and below `#[throttled]`, handlers in macros and modules, and every option.

use axum::debug_handler;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::routing::{get, post};
use traffik::{Backend, Failure, Identity, Rate, Verdict, throttled};

use super::{App, Shape};

#[throttled(rate = "2/minute")]
#[debug_handler]
async fn debug_below(method: Method) -> String {
    method.to_string()
}

#[throttled(rate = "2/minute")]
#[debug_handler(state = App)]
async fn debug_with_state(State(app): State<App>, text: String) -> String {
    format!("{} {text}", app.region)
}

/// Documented above.
#[throttled(rate = "2/minute")]
/// And below.
#[must_use]
#[allow(dead_code, reason = "an attribute like any other")]
async fn documented() -> &'static str {
    "documented"
}

#[cfg(not(any()))]
#[throttled(rate = "2/minute")]
async fn under_cfg() -> &'static str {
    "cfg"
}

#[throttled(rate = "2/minute")]
#[cfg(not(any()))]
async fn over_cfg(#[cfg(any())] missing: Missing, #[cfg(not(any()))] text: String) -> String {
    text
}

#[throttled(rate = "2/minute")]
async fn inner_attributes() -> &'static str {
    #![allow(clippy::items_after_statements, reason = "to have one")]
    let text = inner();
    const fn inner() -> &'static str {
        "inner"
    }
    text
}

mod throttles {
    //! Throttles of another module.

    traffik::throttles! {
        defaults(headers = ietf, backend = super::memory(), timeout = "100ms");

        /// Two.
        pub(super) throttle Two(rate = "2/minute");
        pub(super) throttle Priced(rate = "4/minute");
        pub(super) throttle Loud(rate = super::LIMIT, identifier = super::by_user, cost = super::units, scope = super::SCOPE, on_error = super::by_verdict, min_wait = "1s");
    }
}

use throttles::{Priced, Two};

fn memory() -> Backend {
    Backend::memory()
}

const LIMIT: Rate = Rate::per_minute(4);
const SCOPE: &str = "corpus";

fn by_user(parts: &Parts) -> Result<Identity, std::fmt::Error> {
    let user = parts.headers.get("x-user").ok_or(std::fmt::Error)?;
    Ok(Identity::new(user))
}

const fn units(_: &Parts) -> u8 {
    2
}

async fn by_verdict(_: &Failure<'_>) -> Verdict {
    Verdict::Raise
}

const fn is_applicable(_: &Parts) -> bool {
    true
}

#[throttled(Two)]
async fn shared() -> &'static str {
    "shared"
}

#[throttled(throttles::Loud)]
async fn functions(Path(id): Path<u8>) -> String {
    id.to_string()
}

#[throttled(Priced, cost = 2, headers = ietf, only_if = is_applicable)]
async fn at_another_price(_: Method, text: String) -> String {
    text
}

#[throttled(
    rate = ["2/minute"],
    strategy = token_bucket(burst = 2),
    identifier = header("x-user"),
    cost = 1,
    backend = memory(),
    on_error = retry(max_retries = 2, delay = "1ms", then = allow),
    headers = ietf,
    scope = route,
    timeout = "200ms",
    only_if = is_applicable,
    uid = "corpus.every_key",
    name = EveryKey,
    crate = ::traffik,
    allow(unreachable_rate),
)]
async fn every_key() -> &'static str {
    "every key"
}

macro_rules! handler {
    ($name:ident, $rate:literal, $argument:ident: $type:ty => $body:block) => {
        #[throttled(rate = $rate)]
        async fn $name($argument: $type) -> String $body
    };
}

handler!(from_a_macro, "2/minute", method: Method => { method.to_string() });

mod nested {
    //! A handler of another module.

    #[traffik::throttled(rate = "2/minute")]
    pub(in super::super) async fn handler() -> &'static str {
        "nested"
    }
}

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        Shape::get("debug_below", get(debug_below), "GET"),
        Shape::post(
            "debug_with_state",
            post(debug_with_state),
            "text",
            "eu text",
        ),
        Shape::get("documented", get(documented), "documented"),
        Shape::get("under_cfg", get(under_cfg), "cfg"),
        Shape::post("over_cfg", post(over_cfg), "cfg", "cfg"),
        Shape::get("inner_attributes", get(inner_attributes), "inner"),
        Shape::get("shared", get(shared), "shared"),
        Shape::get("functions", get(functions), "7"),
        Shape::post("at_another_price", post(at_another_price), "text", "text"),
        Shape::get("every_key", get(every_key), "every key"),
        Shape::get("from_a_macro", get(from_a_macro), "GET"),
        Shape::get("nested", get(nested::handler), "nested"),
    ]
}
