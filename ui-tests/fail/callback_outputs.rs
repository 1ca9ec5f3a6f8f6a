//! Callbacks and expressions of the wrong type: rustc reports them at their names.

use axum::http::request::Parts;
use traffik::throttled;

fn nobody(_: &Parts) {}

fn signed(_: &Parts) -> i32 {
    1
}

fn limit(_: &Parts) -> u32 {
    100
}

fn no_text(_: &Parts) -> u8 {
    1
}

fn no_argument() -> String {
    "user".to_owned()
}

async fn of_a_request(_: axum::extract::Request) -> String {
    "user".to_owned()
}

const LIMIT: u32 = 100;

#[throttled(rate = "5/s", identifier = nobody)]
async fn identifier() {}

#[throttled(rate = "5/s", identifier = no_argument)]
async fn identifier_without_argument() {}

#[throttled(rate = "5/s", identifier = of_a_request)]
async fn identifier_of_a_request() {}

#[throttled(rate = "5/s", cost = signed)]
async fn cost() {}

#[throttled(rate = limit)]
async fn rate() {}

#[throttled(rate = LIMIT)]
async fn rate_constant() {}

#[throttled(rate = "5/s", scope = no_text)]
async fn scope() {}

#[throttled(rate = "5/s", backend = "redis://127.0.0.1")]
async fn backend() {}

fn main() {}
