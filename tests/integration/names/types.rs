//! Types and traits of an application whose methods have the names of a throttle's methods.

use std::fmt::Display;

use axum::extract::Path;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use traffik::throttled;

use super::counts_get;

/// A type with inherent items named like those of a throttle.
struct Answer;

impl Answer {
    #[expect(dead_code, reason = "it is there for its name")]
    fn finish() {}
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        "answer".into_response()
    }
}

/// A trait for all types with methods named like those of a throttle.
#[expect(dead_code, reason = "they are there for their names")]
trait Greedy {
    fn hit(&self) {}
    fn stat(&self) {}
    fn finish(&self) {}
    fn kind(&self) {}
    fn source(&self) {}
    fn settle(&self) {}
    fn take(&self) {}
    fn answer(&self) {}
    fn definition(&self) {}
    fn map(&self) {}
    fn into(&self) {}
}

impl<T: ?Sized> Greedy for T {}

fn caller(parts: &Parts) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let id = parts.uri.path().trim_start_matches('/');
    Ok(id.parse::<u8>()?.to_string())
}

#[throttled(rate = "1/minute", identifier = caller)]
async fn answer() -> Answer {
    Answer
}

#[throttled(rate = RATE, scope = SCOPE)]
async fn of_constants() -> impl Display + IntoResponse {
    "constants"
}

const RATE: traffik::Rate = traffik::Rate::per_minute(1);

const SCOPE: &str = "scope";

#[throttled(rate = "1/minute")]
async fn alias(Path(id): Path<u8>) -> axum::response::Result<String> {
    if id == 0 {
        return Err("none".into_response().into());
    }
    Ok(id.to_string())
}

/// The function's name is also the name of a type, which only this module shadows.
mod primitive {
    #[traffik::throttled(rate = "1/minute")]
    pub(super) async fn str() -> &'static [u8] {
        b"primitive"
    }
}

#[tokio::test]
async fn does_not_call_methods_of_other_traits() {
    Greedy::hit(&());
    counts_get(get(answer), "answer").await;
    counts_get(get(of_constants), "constants").await;
}

#[tokio::test]
async fn accepts_aliases_and_early_returns() {
    counts_get(get(alias), "7").await;
    counts_get(get(primitive::str), "primitive").await;
}
