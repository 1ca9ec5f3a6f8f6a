//! Order of evaluation: head, identifier and cost, decision, body, handler.

use std::sync::Arc;
use std::sync::Mutex;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::Value;
use traffik::{Identity, Throttle as _, provide, throttled};
use traffik_tests::{Server, ServiceLimit, TestResponse, head, midnight};

#[throttled(rate = "1/minute", identifier = everyone)]
async fn order(Path(id): Path<u32>, Json(order): Json<Value>) -> String {
    format!("{id}: {order}")
}

#[throttled(rate = "1/minute", identifier = everyone)]
async fn search(Query(page): Query<Vec<(String, u8)>>) -> String {
    format!("{page:?}")
}

fn app() -> Router {
    Router::new()
        .route("/orders/{id}", post(order))
        .route("/search", get(search))
}

async fn post_body(server: &Server, path: &str, body: &'static str) -> TestResponse {
    let request = server.request(http::Method::POST, path).body(body);
    TestResponse::of_request(request.header("content-type", "application/json")).await
}

#[tokio::test]
async fn does_not_charge_a_rejected_head() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend.clone()))).await;
    for _ in 0..3 {
        let rejected = post_body(&server, "/orders/none", "{}").await;
        assert_eq!(rejected.status, 400);
        assert!(rejected.has_no_limit_fields());
    }
    assert_eq!(
        order::stat(&head(&backend)).await.unwrap().hits_remaining,
        1
    );
    assert_eq!(post_body(&server, "/orders/7", "{}").await.body, "7: {}");
}

#[tokio::test]
async fn refuses_before_it_reads_a_malformed_body() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    // It counts, because the error is found after the decision, and the client gets the fields.
    let malformed = post_body(&server, "/orders/7", "{").await;
    assert_eq!(malformed.status, 400);
    assert_eq!(malformed.limits, [ServiceLimit::new("order", 0, 60)]);
    assert_eq!(post_body(&server, "/orders/7", "{").await.status, 429);
    assert_eq!(
        server.post("/orders/7", "no content type").await.status,
        429
    );
}

#[tokio::test]
async fn extracts_the_last_argument_after_the_decision() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    assert_eq!(server.get("/search?page=none").await.status, 400);
    assert_eq!(server.get("/search?page=none").await.status, 429);
}

/// The steps of a request in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }
}

fn note(parts: &Parts, what: &'static str) {
    parts.extensions.get::<Log>().unwrap().note(what);
}

struct Head;

impl FromRequestParts<Log> for Head {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, log: &Log) -> Result<Self, StatusCode> {
        log.note("head");
        Ok(Self)
    }
}

struct Whole;

impl FromRequest<Log> for Whole {
    type Rejection = StatusCode;

    async fn from_request(_: Request, log: &Log) -> Result<Self, StatusCode> {
        log.note("body");
        Ok(Self)
    }
}

async fn caller(parts: &Parts) -> Identity {
    note(parts, "identifier");
    Identity::everyone()
}

fn price(parts: &Parts) -> u32 {
    note(parts, "cost");
    1
}

#[throttled(rate = "1/minute", identifier = caller, cost = price)]
async fn watched(_: Head, State(log): State<Log>, _: Whole) {
    log.note("handler");
}

#[tokio::test]
async fn evaluates_identifier_and_cost_between_head_and_body() {
    let (log, (backend, _)) = (Log::default(), midnight());
    let app = Router::new()
        .route("/", get(watched))
        .with_state(log.clone());
    let server = Server::start(
        app.layer(axum::Extension(log.clone()))
            .layer(provide(backend)),
    )
    .await;
    assert_eq!(server.statuses("/", 2).await, [200, 429]);
    let expected = [
        "head",
        "identifier",
        "cost",
        "body",
        "handler",
        "head",
        "identifier",
        "cost",
    ];
    assert_eq!(*log.0.lock().unwrap(), expected);
}
