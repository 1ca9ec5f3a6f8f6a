//! Arguments and locals with names that generated code might use.

use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::routing::{get, post};
use http::Method;
use traffik::{Identity, throttled};

use super::{counts, counts_get};

#[throttled(rate = "1/minute")]
async fn own_words(
    parts: Parts,
    gate: Method,
    out: Path<u8>,
    response: Method,
    state: State<()>,
) -> String {
    let (hint, finish, answer) = (1, 2, 3);
    let (): () = state.0;
    format!(
        "{} {gate} {} {response} {}",
        parts.uri,
        out.0,
        hint + finish + answer
    )
}

#[throttled(rate = "1/minute")]
async fn raw(r#type: Method, Path(r#fn): Path<u8>, r#match: String) -> String {
    format!(
        "{type} {fn} {match}",
        r#type = r#type,
        r#fn = r#fn,
        r#match = r#match
    )
}

#[throttled(rate = "1/minute")]
async fn r#loop() -> &'static str {
    "raw"
}

#[throttled(rate = "1/minute")]
#[throttled(rate = "2/minute", name = r#while)]
async fn r#move(r#gate: Method) -> String {
    gate.to_string()
}

#[throttled(rate = "1/minute")]
async fn patterns(
    Path([id, ..]): Path<[u64; 1]>,
    State(()): State<()>,
    mut body: String,
) -> String {
    body.push('!');
    format!("{id} {body}")
}

#[throttled(rate = "1/minute", identifier = parts, cost = cost, scope = scope)]
async fn same_functions() -> &'static str {
    "functions"
}

fn parts(parts: &Parts) -> Identity {
    Identity::new(parts.uri.path())
}

fn cost(_: &Parts) -> u64 {
    1
}

fn scope(cost: &Parts) -> String {
    cost.method.to_string()
}

#[throttled(rate = rate, identifier = identify)]
async fn definition() -> &'static str {
    "definition"
}

fn rate(_: &Parts) -> traffik::Rate {
    traffik::Rate::per_minute(1)
}

fn identify(_: &Parts) -> &'static str {
    "me"
}

#[throttled(rate = "1/minute")]
async fn unused_and_shadowed(_gate: Method, _: String) -> String {
    let gate = "gate";
    let out = gate;
    let mut gate = out.to_owned();
    gate.push('!');
    gate
}

#[tokio::test]
async fn accepts_any_name_of_an_argument() {
    counts_get(get(own_words), "/7 GET 7 GET 6").await;
    counts(post(unused_and_shadowed), Method::POST, "body", "gate!").await;
}

#[tokio::test]
async fn accepts_raw_identifiers() {
    counts(post(raw), Method::POST, "body", "POST 7 body").await;
    counts_get(get(r#loop), "raw").await;
    counts_get(get(r#move), "GET").await;
}

#[tokio::test]
async fn accepts_patterns_as_arguments() {
    counts(post(patterns), Method::POST, "body", "7 body!").await;
}

#[tokio::test]
async fn accepts_functions_named_like_options() {
    counts_get(get(same_functions), "functions").await;
    counts_get(get(definition), "definition").await;
}
