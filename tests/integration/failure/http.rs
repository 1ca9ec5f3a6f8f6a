//! Responses while the backend is unreachable.

use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{
    Backend, CircuitBreaker, Failure, Identity, ManualClock, Verdict, provide, throttled,
};
use traffik_tests::{Server, TestResponse};

use super::{FaultyStore, StoreFault};

static BREAKER: CircuitBreaker = CircuitBreaker::new().failures(1);

async fn by_kind(failure: &Failure<'_>) -> Verdict {
    let head = failure.parts.expect("there is a request");
    match head
        .headers
        .get("x-verdict")
        .map(axum::http::HeaderValue::as_bytes)
    {
        Some(b"allow") => Verdict::Allow,
        Some(b"raise") => Verdict::Raise,
        _ => Verdict::Throttle(Duration::from_millis(4_001)),
    }
}

fn broken(_: &Parts) -> Result<Identity, &'static str> {
    Err("who is that?")
}

#[throttled(rate = "10/minute", identifier = everyone)]
async fn by_default() {}

#[throttled(rate = "10/minute", identifier = everyone, on_error = "allow", headers = both)]
async fn allowed() {}

#[throttled(rate = "10/minute", identifier = everyone, on_error = throttle, headers = legacy)]
async fn refused() {}

#[throttled(rate = "10/minute", identifier = everyone, on_error = raise)]
async fn raised() {}

#[throttled(rate = "10/minute", identifier = everyone, on_error = by_kind)]
async fn handled() {}

#[throttled(rate = "10/minute", identifier = everyone, on_error = failover(backend = Backend::memory()))]
async fn failed_over() {}

#[throttled(
    rate = "10/minute",
    identifier = everyone,
    on_error = failover(backend = Backend::memory(), breaker = BREAKER, on = [timeout], then = raise),
)]
async fn broken_circuit() {}

#[throttled(rate = "10/minute", identifier = broken, on_error = allow)]
async fn unidentified() {}

#[throttled(rate = ["5/s", "10/minute"], identifier = everyone, on_error = allow)]
async fn listed() {}

fn unreachable_store() -> FaultyStore {
    let store = FaultyStore::default();
    store.fail_with(StoreFault::Unreachable);
    store
}

async fn serve(store: &FaultyStore) -> Server {
    let backend = Backend::custom(store.clone()).clock(ManualClock::new());
    let app = Router::new()
        .route("/by_default", get(by_default))
        .route("/allowed", get(allowed))
        .route("/refused", get(refused))
        .route("/raised", get(raised))
        .route("/handled", get(handled))
        .route("/failed_over", get(failed_over))
        .route("/broken_circuit", get(broken_circuit))
        .route("/unidentified", get(unidentified))
        .route("/listed", get(listed))
        .layer(provide(backend));
    Server::start(app).await
}

fn policies(response: &TestResponse) -> Vec<&str> {
    let policies = response.policies.iter();
    policies.map(|policy| policy.name.as_str()).collect()
}

#[tokio::test]
async fn responds_429_with_the_policy_and_a_time() {
    let server = serve(&unreachable_store()).await;
    let response = server.get("/by_default").await;
    assert_eq!(response.status, 429);
    assert_eq!(response.field("retry-after"), Some("1"));
    assert_eq!(policies(&response), ["by_default"]);
    assert!(response.field("ratelimit").is_none());
    assert_eq!(
        response.field("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(response.json()["status"], 429);
    let problem = response.json()["type"].to_string();
    assert!(problem.contains("temporary-reduced-capacity"), "{problem}");
    assert!(
        !response.body.contains("as the test demands"),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn sends_only_the_limit_in_legacy_fields() {
    let server = serve(&unreachable_store()).await;
    let response = server.get("/refused").await;
    assert_eq!(response.status, 429);
    assert_eq!(response.legacy(), [Some("10"), None, None]);
}

#[tokio::test]
async fn runs_the_handler_and_sends_only_the_policy_when_allowed() {
    let store = unreachable_store();
    let server = serve(&store).await;
    let response = server.get("/allowed").await;
    assert_eq!(response.status, 200);
    assert_eq!(policies(&response), ["allowed"]);
    assert!(response.field("ratelimit").is_none());
    assert_eq!(response.legacy(), [Some("10"), None, None]);
    assert!(response.field("retry-after").is_none());
    assert_eq!(server.get("/listed").await.policies.len(), 2);
    store.heal();
    let response = server.get("/allowed").await;
    assert_eq!(response.legacy()[1], Some("9"), "nothing was counted");
}

#[tokio::test]
async fn responds_503_with_a_time_and_without_fields_when_raised() {
    let server = serve(&unreachable_store()).await;
    let response = server.get("/raised").await;
    assert_eq!(response.status, 503);
    assert_eq!(response.field("retry-after"), Some("1"));
    assert!(response.policies.is_empty() && response.limits.is_empty());
    assert_eq!(
        response.field("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(response.json()["status"], 503);
}

#[tokio::test]
async fn passes_the_request_to_a_handler() {
    let server = serve(&unreachable_store()).await;
    let status = async |verdict| {
        server
            .get_with("/handled", "x-verdict", verdict)
            .await
            .status
    };
    assert_eq!(status("allow").await, 200);
    assert_eq!(status("raise").await, 503);
    let response = server.get("/handled").await;
    assert_eq!(response.status, 429);
    assert_eq!(response.field("retry-after"), Some("5"));
}

#[tokio::test]
async fn sends_all_fields_of_the_other_backend() {
    let server = serve(&unreachable_store()).await;
    let response = server.get("/failed_over").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.limits[0].remaining, 9);
    let statuses = server.statuses("/failed_over", 10).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 9);
    assert_eq!(statuses.last(), Some(&429));
}

#[tokio::test]
async fn sends_the_recovery_time_of_an_open_breaker() {
    let server = serve(&unreachable_store()).await;
    assert_eq!(server.get("/broken_circuit").await.status, 503);
    let response = server.get("/broken_circuit").await;
    assert_eq!(response.status, 503);
    assert_eq!(response.field("retry-after"), Some("60"));
}

/// An identifier that fails is not a failure of the backend.
#[tokio::test]
async fn does_not_apply_the_policy_to_a_failed_identifier() {
    let store = unreachable_store();
    let server = serve(&store).await;
    assert_eq!(server.get("/unidentified").await.status, 500);
    assert_eq!(store.calls(), 0);
}

/// Mistakes of the program stay 500 under every policy.
#[tokio::test]
async fn responds_500_to_mistakes() {
    let store = FaultyStore::default();
    store.fail_with(StoreFault::ErrorReply);
    let server = serve(&store).await;
    for path in [
        "/by_default",
        "/allowed",
        "/refused",
        "/raised",
        "/failed_over",
    ] {
        let response = server.get(path).await;
        assert_eq!(response.status, 500, "{path}");
        assert!(response.has_no_limit_fields(), "{path}");
    }
}
