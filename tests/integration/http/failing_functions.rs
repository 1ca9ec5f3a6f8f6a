//! Functions of the application that fail: the response is an error, and nothing is charged.

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{ErrorKind, Identity, Rate, Throttle as _, provide, throttled};
use traffik_tests::{Server, head, midnight};

fn broken(parts: &Parts) -> Result<(), &'static str> {
    if parts.headers.contains_key("x-broken") {
        Err("the secret database is unreachable")
    } else {
        Ok(())
    }
}

fn caller(parts: &Parts) -> Result<Identity, &'static str> {
    broken(parts).map(|()| Identity::everyone())
}

async fn price(parts: &Parts) -> Result<u8, String> {
    Ok(broken(parts).map(|()| 1)?)
}

fn rate(parts: &Parts) -> Result<Rate, &'static str> {
    broken(parts).map(|()| Rate::per_minute(2))
}

fn segment(parts: &Parts) -> Result<String, &'static str> {
    broken(parts).map(|()| "segment".to_owned())
}

traffik::throttles! {
    throttle First(rate = "9/minute", identifier = everyone);
    throttle ByAddress(rate = "2/minute");
}

#[throttled(First, rate = "2/minute", identifier = caller)]
async fn identifier() {}

#[throttled(First, rate = "2/minute", identifier = everyone, cost = price)]
async fn cost() {}

#[throttled(First, rate = rate, identifier = everyone)]
async fn open_rate() {}

#[throttled(First, rate = "2/minute", identifier = everyone, scope = segment)]
async fn scope() {}

fn app() -> Router {
    Router::new()
        .route("/identifier", get(identifier))
        .route("/cost", get(cost))
        .route("/open_rate", get(open_rate))
        .route("/scope", get(scope))
}

#[tokio::test]
async fn responds_with_an_error_without_details() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    for path in ["/identifier", "/cost", "/open_rate", "/scope"] {
        let response = server.get_with(path, "x-broken", "yes").await;
        assert_eq!(response.status, 500, "{path}");
        assert_eq!(
            response.field("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(response.json()["status"], 500);
        assert!(
            !response.body.contains("secret"),
            "{path}: {}",
            response.body
        );
        assert!(response.has_no_limit_fields());
    }
}

#[tokio::test]
async fn charges_no_member() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend.clone()))).await;
    for path in ["/identifier", "/cost", "/open_rate", "/scope"] {
        for _ in 0..20 {
            assert_eq!(server.get_with(path, "x-broken", "yes").await.status, 500);
        }
        assert_eq!(
            First::stat(&head(&backend)).await.unwrap().hits_remaining,
            9
        );
    }
    for path in ["/identifier", "/cost", "/open_rate", "/scope"] {
        assert_eq!(server.statuses(path, 2).await, [200; 2], "{path}");
    }
}

#[tokio::test]
async fn returns_the_kind_and_the_source_to_code() {
    let (backend, _) = midnight();
    let mut parts = head(&backend);
    parts.headers.insert("x-broken", "yes".parse().unwrap());
    let error = identifier::hit(&parts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Identifier);
    assert_eq!(
        error.to_string(),
        "`identifier` failed: the secret database is unreachable"
    );
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(
        source.as_deref(),
        Some("the secret database is unreachable")
    );
    assert!(
        cost::hit(&parts)
            .await
            .unwrap_err()
            .to_string()
            .starts_with("`cost` failed")
    );
}

#[tokio::test]
async fn explains_that_the_address_is_missing() {
    let (backend, _) = midnight();
    let mut parts = head(&backend);
    parts
        .extensions
        .remove::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
    let error = ByAddress::hit(&parts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Identifier);
    let message = error.to_string();
    for part in [
        "ByAddress",
        "into_make_service_with_connect_info::<SocketAddr>()",
        "`identifier`",
    ] {
        assert!(message.contains(part), "{message}");
    }
}
