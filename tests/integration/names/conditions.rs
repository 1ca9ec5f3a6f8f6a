//! Handlers and arguments under `cfg`.

use axum::extract::Path;
use axum::routing::{get, post};
use http::Method;
use traffik::throttled;

use super::{counts, counts_get};

#[throttled(rate = "1/minute")]
async fn first(
    #[cfg(test)] method: Method,
    #[cfg(not(test))] method: NoSuchType,
    body: String,
) -> String {
    format!("{method} {body}")
}

#[throttled(rate = "1/minute")]
async fn last(
    method: Method,
    #[cfg(not(test))] body: NoSuchType,
    #[cfg(test)] body: String,
) -> String {
    format!("{method} {body}")
}

#[throttled(rate = "1/minute")]
async fn last_is_gone(Path(id): Path<u8>, #[cfg(not(test))] gone: NoSuchType) -> String {
    id.to_string()
}

#[throttled(rate = "1/minute")]
async fn only_is_gone(#[cfg(not(test))] gone: NoSuchType) -> &'static str {
    "nobody"
}

#[throttled(rate = "1/minute")]
#[cfg(test)]
async fn there() -> &'static str {
    "there"
}

#[throttled(rate = "1/minute")]
#[cfg(not(test))]
async fn there() -> NoSuchType {}

#[cfg(not(test))]
#[throttled(rate = "nonsense")]
async fn not_there() {}

#[throttled(rate = "1/minute")]
#[cfg_attr(test, doc = "An attribute that is there on a condition.")]
#[cfg_attr(not(test), no_such_attribute)]
async fn attributed() -> &'static str {
    #[cfg(not(test))]
    return NO_SUCH_VALUE;
    "attributed"
}

traffik::throttles! {
    #[cfg(test)]
    throttle Here(rate = "1/minute");
    #[cfg(not(test))]
    throttle Here(rate = "9/minute");
}

#[throttled(Here)]
async fn here() -> &'static str {
    "here"
}

#[tokio::test]
async fn compiles_conditional_arguments() {
    counts(post(first), Method::POST, "body", "POST body").await;
    counts(post(last), Method::POST, "body", "POST body").await;
    counts_get(get(last_is_gone), "7").await;
    counts_get(get(only_is_gone), "nobody").await;
}

#[tokio::test]
async fn compiles_conditional_handlers_and_throttles() {
    counts_get(get(there), "there").await;
    counts_get(get(attributed), "attributed").await;
    counts_get(get(here), "here").await;
}
