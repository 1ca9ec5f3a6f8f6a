//! Rates that are not literals.

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use http::HeaderValue;
use traffik::{Rate, provide, throttled};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, midnight};

const CONST: Rate = Rate::per_minute(3);

static STATIC: Rate = Rate::of(4).minutes(1);

mod limits {
    use super::Rate;

    pub(crate) const UPLOADS: Rate = Rate::per_hour(5);
}

fn by_plan(parts: &Parts) -> Rate {
    match parts.headers.get("x-plan").map(HeaderValue::as_bytes) {
        Some(b"premium") => Rate::per_minute(9),
        Some(b"unlimited") => Rate::UNLIMITED,
        _ => Rate::per_minute(2),
    }
}

async fn looked_up(parts: &Parts) -> Rate {
    tokio::task::yield_now().await;
    by_plan(parts)
}

async fn fallible(parts: &Parts) -> Result<Rate, traffik::RateError> {
    let rate = parts
        .headers
        .get("x-rate")
        .and_then(|rate| rate.to_str().ok());
    rate.unwrap_or("2/minute").parse()
}

#[throttled(rate = CONST)]
async fn of_const() {}

#[throttled(rate = STATIC)]
async fn of_static() {}

#[throttled(rate = limits::UPLOADS)]
async fn of_path() {}

#[throttled(rate = by_plan)]
async fn of_function() {}

#[throttled(rate = looked_up, strategy = token_bucket)]
async fn of_future() {}

#[throttled(rate = fallible)]
async fn of_result() {}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/const", get(of_const))
        .route("/static", get(of_static))
        .route("/path", get(of_path))
        .route("/function", get(of_function))
        .route("/future", get(of_future))
        .route("/result", get(of_result));
    Server::start(app.layer(provide(backend))).await
}

#[tokio::test]
async fn accepts_a_constant() {
    let server = serve().await;
    assert_eq!(
        server.get("/const").await.policies,
        [QuotaPolicy::new("of_const", 3, 60)]
    );
    assert_eq!(
        server.get("/static").await.policies,
        [QuotaPolicy::new("of_static", 4, 60)]
    );
    assert_eq!(
        server.get("/path").await.policies,
        [QuotaPolicy::new("of_path", 5, 3_600)]
    );
    assert_eq!(server.statuses("/const", 3).await, [200, 200, 429]);
}

#[tokio::test]
async fn applies_the_rate_of_a_function() {
    let server = serve().await;
    for (path, name, time) in [
        ("/function", "of_function", 60),
        ("/future", "of_future", 30),
    ] {
        let response = server.get(path).await;
        assert_eq!(response.policies, [QuotaPolicy::new(name, 2, 60)]);
        assert_eq!(response.limits, [ServiceLimit::new(name, 1, time)]);
        assert_eq!(server.statuses(path, 2).await, [200, 429]);
        // The client is the same, and its rate is higher now.
        let premium = server.get_with(path, "x-plan", "premium").await;
        assert_eq!(premium.status, 200);
        assert_eq!(premium.policies, [QuotaPolicy::new(name, 9, 60)]);
    }
}

#[tokio::test]
async fn accepts_an_unlimited_rate_from_a_function() {
    let server = serve().await;
    assert_eq!(server.statuses("/function", 3).await, [200, 200, 429]);
    let response = server.get_with("/function", "x-plan", "unlimited").await;
    assert_eq!(response.status, 200);
    assert!(response.has_no_limit_fields());
}

#[tokio::test]
async fn reports_a_function_that_fails() {
    let server = serve().await;
    assert_eq!(
        server.get("/result").await.policies,
        [QuotaPolicy::new("of_result", 2, 60)]
    );
    assert_eq!(
        server.get_with("/result", "x-rate", "5/minit").await.status,
        500
    );
    assert_eq!(
        server.get("/result").await.limits,
        [ServiceLimit::new("of_result", 0, 60)]
    );
}
