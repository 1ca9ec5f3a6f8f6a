//! Types, variants, traits and macros in scope with the names of the standard ones.

use axum::extract::Path;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::throttled;

use super::counts_get;

/// An application's own `Option`.
#[expect(dead_code, reason = "it is there for its name")]
pub(crate) enum Option<A, B, C> {
    Some(A),
    None(B, C),
}

#[expect(dead_code, reason = "it is there for its name")]
pub(crate) struct Result;

#[expect(dead_code, reason = "it is there for its name")]
pub(crate) struct Response;

#[expect(dead_code, reason = "it is there for its name")]
pub(crate) struct Identity;

#[expect(dead_code, reason = "it is there for its name")]
pub(crate) struct String;

#[expect(dead_code, reason = "they are there for their names")]
pub(crate) mod types {
    pub(crate) struct Debug;
    pub(crate) struct Duration;
    pub(crate) struct Rate;
    pub(crate) struct ThrottleExtractor;
    pub(crate) struct HandlerThrottle;
    pub(crate) struct Define;
    pub(crate) struct Definition;
    pub(crate) struct Throttle;
    pub(crate) struct Scope;
    pub(crate) struct Backend;
    pub(crate) struct HeaderStyle;
    pub(crate) struct Error;
    pub(crate) struct FixedWindow;
    pub(crate) struct TokenBucket;
    pub(crate) struct Cow;
    pub(crate) struct Box;
    pub(crate) trait Send {}
    pub(crate) trait Sync {}
    pub(crate) trait Future {}
    pub(crate) trait Into {}
    pub(crate) trait IntoResponse {}
    pub(crate) trait Sized {}
    pub(crate) trait Fn {}
    pub(crate) trait FnOnce {}
}

#[allow(unused_imports, reason = "they are there for their names")]
use types::*;

#[allow(non_snake_case, dead_code, reason = "it is there for its name")]
fn Ok() {}

#[allow(non_upper_case_globals, dead_code, reason = "it is there for its name")]
const Some: u8 = 1;

#[allow(non_upper_case_globals, dead_code, reason = "it is there for its name")]
const None: u8 = 2;

#[allow(non_snake_case, dead_code, reason = "it is there for its name")]
fn Err() {}

#[allow(unused_macros, reason = "it is there for its name")]
macro_rules! concat {
    ($($anything:tt)*) => {
        compile_error!("not ours")
    };
}

#[allow(unused_macros, reason = "it is there for its name")]
macro_rules! module_path {
    ($($anything:tt)*) => {
        compile_error!("not ours")
    };
}

#[allow(unused_macros, reason = "it is there for its name")]
macro_rules! assert {
    ($($anything:tt)*) => {
        compile_error!("not ours")
    };
}

fn caller(_: &Parts) -> std::string::String {
    "me".to_owned()
}

async fn rate(_: &Parts) -> std::result::Result<traffik::Rate, std::fmt::Error> {
    std::result::Result::Ok(traffik::Rate::per_minute(1))
}

fn segment(_: &Parts) -> &'static str {
    "segment"
}

fn units(_: &Parts) -> u32 {
    1
}

#[throttled(
    rate = ["1/minute", "5/hour"],
    strategy = token_bucket(burst = 1),
    identifier = caller,
    cost = 1,
    headers = both,
    scope = "segment",
    allow(unreachable_rate),
)]
async fn literals() -> &'static str {
    "literals"
}

#[throttled(rate = rate, strategy = gcra(burst_tolerance = "0ms"), identifier = header("x-none"), cost = units, scope = segment)]
async fn functions(Path(id): Path<u8>) -> std::string::String {
    id.to_string()
}

traffik::throttles! {
    throttle One(rate = "1/minute", identifier = everyone, scope = route);
    throttle Two(rate = "2/minute", identifier = ip, strategy = sliding_counter, headers = none);
}

#[throttled(One, Two, cost = 1, headers = ietf)]
async fn set() -> std::result::Result<&'static str, std::string::String> {
    std::result::Result::Ok("set")
}

#[throttled(One, Two, cost = units)]
async fn priced_set() -> &'static str {
    "priced"
}

#[tokio::test]
async fn ignores_items_in_scope() {
    counts_get(get(literals), "literals").await;
    counts_get(get(functions), "7").await;
    counts_get(get(set), "set").await;
    counts_get(get(priced_set), "priced").await;
}
