//! Functions of the application whose errors are responses: a client gets the response, nothing is
//! charged, and the log contains no error.

use std::fmt;
use std::io;

use axum::body::Body;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::json;
use tower::ServiceExt as _;
use tracing_subscriber::filter::LevelFilter;
use traffik::{
    Error, ErrorKind, Identity, Limiter, Rate, Rejection, Throttle as _, ThrottleLayer, Throttled,
    filter, provide, throttled,
};
use traffik_tests::{Log, Server, head, midnight};

/// An application's error, which implements `Error` and `IntoResponse`.
#[derive(Debug)]
struct Unauthorized;

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no session")
    }
}

impl std::error::Error for Unauthorized {}

impl IntoResponse for Unauthorized {
    fn into_response(self) -> Response {
        let fields = [("www-authenticate", "Bearer")];
        (StatusCode::UNAUTHORIZED, fields, "log in first").into_response()
    }
}

fn is_bad(parts: &Parts) -> bool {
    parts.headers.contains_key("x-bad")
}

fn refused_if_bad<E>(parts: &Parts, error: E) -> Result<(), E> {
    if is_bad(parts) { Err(error) } else { Ok(()) }
}

fn session(parts: &Parts) -> Result<Identity, Unauthorized> {
    refused_if_bad(parts, Unauthorized).map(|()| Identity::everyone())
}

async fn price(parts: &Parts) -> Result<u64, (StatusCode, Json<serde_json::Value>)> {
    let body = Json(json!({ "error": "no such size" }));
    refused_if_bad(parts, (StatusCode::BAD_REQUEST, body)).map(|()| 1)
}

fn plan(parts: &Parts) -> Result<Rate, StatusCode> {
    refused_if_bad(parts, StatusCode::PAYMENT_REQUIRED).map(|()| Rate::per_minute(2))
}

/// Returns a response whose body is streamed in two chunks, the second after a while.
async fn streamed(parts: &Parts) -> Result<bool, Response> {
    let pieces = futures_util::stream::unfold(0, async |piece| {
        if piece == 1 {
            tokio::task::yield_now().await;
        }
        let text = ["not ", "here"].get(piece)?;
        Some((
            Ok::<_, io::Error>(Bytes::from_static(text.as_bytes())),
            piece + 1,
        ))
    });
    let response = (StatusCode::FORBIDDEN, Body::from_stream(pieces));
    refused_if_bad(parts, response.into_response()).map(|()| true)
}

fn region(parts: &Parts) -> Result<String, (StatusCode, &'static str)> {
    let error = (StatusCode::MISDIRECTED_REQUEST, "another region");
    refused_if_bad(parts, error).map(|()| "eu".to_owned())
}

traffik::throttles! {
    throttle First(rate = "9/minute", identifier = everyone);
    throttle Session(rate = "2/minute", identifier = session);
    throttle Writes(rate = "2/minute", identifier = everyone);
}

#[throttled(First, rate = "2/minute", identifier = session)]
async fn identifier() {}

#[throttled(First, rate = "2/minute", identifier = everyone, cost = price)]
async fn cost() {}

#[throttled(First, rate = plan, identifier = everyone)]
async fn open_rate() {}

#[throttled(First, rate = "2/minute", identifier = everyone, only_if = streamed)]
async fn predicate() {}

#[throttled(First, rate = "2/minute", identifier = everyone, scope = region)]
async fn scope() {}

#[throttled(First, cost = price)]
async fn cost_of_members() {}

#[throttled(
    First,
    rate = "2/minute",
    identifier = everyone,
    cost = |body| if body.starts_with('!') { Err(StatusCode::UNPROCESSABLE_ENTITY) } else { Ok(1_u8) }
)]
async fn closure(body: String) -> String {
    body
}

#[throttled(
    First,
    rate = "2/minute",
    identifier = async |body| if body.starts_with('!') { Err(Unauthorized) } else { Ok("user") }
)]
async fn async_closure(body: String) -> String {
    body
}

async fn limiter(_: Limiter<Session>) {}

async fn extractor(_: Throttled<Session>) {}

fn app() -> Router {
    Router::new()
        .route("/identifier", get(identifier))
        .route("/cost", get(cost))
        .route("/open_rate", get(open_rate))
        .route("/predicate", get(predicate))
        .route("/scope", get(scope))
        .route("/cost_of_members", get(cost_of_members))
        .route("/limiter", get(limiter))
        .route("/extractor", get(extractor))
        .route("/closure", post(closure))
        .route("/async_closure", post(async_closure))
}

const RESPONSES: [(&str, u16, &str); 8] = [
    ("/identifier", 401, "log in first"),
    ("/cost", 400, r#"{"error":"no such size"}"#),
    ("/open_rate", 402, ""),
    ("/predicate", 403, "not here"),
    ("/scope", 421, "another region"),
    ("/cost_of_members", 400, r#"{"error":"no such size"}"#),
    ("/limiter", 401, "log in first"),
    ("/extractor", 401, "log in first"),
];

#[tokio::test]
async fn responds_with_the_error_without_charging() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend.clone()))).await;
    for (path, status, body) in RESPONSES {
        for _ in 0..20 {
            let response = server.get_with(path, "x-bad", "yes").await;
            assert_eq!((response.status, &*response.body), (status, body), "{path}");
            assert!(response.has_no_limit_fields(), "{path}");
        }
        let stat = First::stat(&head(&backend)).await.unwrap();
        assert_eq!(stat.hits_remaining, 9, "{path}");
    }
    let response = server.get_with("/identifier", "x-bad", "yes").await;
    assert_eq!(response.field("www-authenticate"), Some("Bearer"));
    assert_eq!(response.field("cache-control"), None);
    assert_eq!(server.statuses("/identifier", 3).await, [200, 200, 429]);
}

#[tokio::test]
async fn responds_with_errors_of_closures() {
    let (backend, _) = midnight();
    let app = app().layer(provide(backend.clone()));
    for (path, status) in [("/closure", 422), ("/async_closure", 401)] {
        for _ in 0..20 {
            let request = Request::post(path).body(Body::from("!")).unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{path}");
        }
        let stat = First::stat(&head(&backend)).await.unwrap();
        assert_eq!(stat.hits_remaining, 9, "{path}");
        let request = Request::post(path).body(Body::from("?")).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        backend.clear().await.unwrap();
    }
}

#[throttled(Writes)]
#[throttled(rate = "2/minute", identifier = session, name = Inner)]
async fn stacked() {}

#[tokio::test]
async fn includes_the_decisions_made_before() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(stacked));
    let server = Server::start(app.layer(provide(backend))).await;
    let response = server.get_with("/", "x-bad", "yes").await;
    assert_eq!(response.status, 401);
    assert_eq!(response.policies.len(), 1);
    assert_eq!(response.policies[0].name, "Writes");
}

fn is_write(parts: &Parts) -> Result<bool, Error> {
    let error = || Error::response((StatusCode::BAD_REQUEST, "x-bad is not good"));
    if is_bad(parts) {
        Err(error())
    } else {
        Ok(true)
    }
}

async fn rejected(parts: &Parts) -> Result<bool, Rejection> {
    let rejection = || Rejection::from(Error::response(StatusCode::GONE));
    if is_bad(parts) {
        Err(rejection())
    } else {
        Ok(true)
    }
}

#[tokio::test]
async fn responds_with_errors_of_predicates_of_layers() {
    for (filter, status) in [(filter::when(is_write), 400), (filter::when(rejected), 410)] {
        let (backend, _) = midnight();
        let layer = ThrottleLayer::new().throttle_when::<Writes>(filter);
        let app = Router::new().route("/", get(async || ()));
        let app = app.layer(layer).layer(provide(backend));
        let server = Server::start(app).await;
        for _ in 0..20 {
            assert_eq!(server.get_with("/", "x-bad", "yes").await.status, status);
        }
        assert_eq!(server.statuses("/", 3).await, [200, 200, 429]);
        let call = Request::get("/").header("content-type", "application/grpc");
        let call = call.header("x-bad", "yes").body(Body::empty()).unwrap();
        let app = Router::new().route("/", get(async || ()));
        let layer = ThrottleLayer::new().throttle_when::<Writes>(filter::when(is_write));
        let response = app.layer(layer).oneshot(call).await.unwrap();
        assert_eq!(response.headers().get("grpc-status"), None);
    }
}

#[tokio::test]
async fn returns_an_error_to_code_whose_rejection_is_the_response() {
    let (backend, _) = midnight();
    let mut parts = head(&backend);
    parts.headers.insert("x-bad", "yes".parse().unwrap());
    let error = Session::hit(&parts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Identifier);
    let text = "`identifier` failed: the request is answered with 401 Unauthorized";
    assert_eq!(error.to_string(), text);
    let rejection = Rejection::from(error);
    assert_eq!(rejection.status(), 401);
    let text = "the request was answered with 401 Unauthorized";
    assert_eq!(rejection.to_string(), text);
    let body = axum::body::to_bytes(rejection.into_response().into_body(), 99).await;
    assert_eq!(&*body.unwrap(), b"log in first");
}

#[tokio::test]
async fn logs_at_debug_and_not_as_an_error() {
    let (log, _guard) = Log::capture_at(LevelFilter::DEBUG);
    let (backend, _) = midnight();
    let app = app().layer(provide(backend));
    let request = Request::get("/identifier").header("x-bad", "yes");
    let request = request.body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), 401);
    let log = log.text();
    let lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains(" traffik"))
        .collect();
    assert_eq!(lines.len(), 1, "{log}");
    for part in ["DEBUG", "`identifier`", "401 Unauthorized"] {
        assert!(lines[0].contains(part), "{part}: {log}");
    }
}
