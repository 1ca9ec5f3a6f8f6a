//! What a client is told when the backend is away.

use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{
    Backend, CircuitBreaker, Failure, Identity, ManualClock, Verdict, provide, throttled,
};
use traffik_tests::{Server, TestResponse};

use super::{Flaky, Trouble};

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
async fn silent() {}

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

fn away() -> Flaky {
    let store = Flaky::default();
    store.set(Trouble::Away);
    store
}

async fn server(store: &Flaky) -> Server {
    let backend = Backend::custom(store.clone()).clock(ManualClock::new());
    let app = Router::new()
        .route("/silent", get(silent))
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
async fn throttled_is_429_with_the_policy_and_a_time() {
    let server = server(&away()).await;
    let response = server.get("/silent").await;
    assert_eq!(response.status, 429);
    assert_eq!(response.field("retry-after"), Some("1"));
    assert_eq!(policies(&response), ["silent"]);
    assert!(response.field("ratelimit").is_none());
    assert_eq!(
        response.field("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(response.json()["status"], 429);
    let problem = response.json()["type"].to_string();
    assert!(problem.contains("temporary-reduced-capacity"), "{problem}");
    assert!(!response.body.contains("as told"), "{}", response.body);
}

#[tokio::test]
async fn legacy_fields_know_only_the_limit() {
    let server = server(&away()).await;
    let response = server.get("/refused").await;
    assert_eq!(response.status, 429);
    assert_eq!(response.legacy(), [Some("10"), None, None]);
}

#[tokio::test]
async fn allowed_runs_the_handler_and_tells_the_policy_only() {
    let store = away();
    let server = server(&store).await;
    let response = server.get("/allowed").await;
    assert_eq!(response.status, 200);
    assert_eq!(policies(&response), ["allowed"]);
    assert!(response.field("ratelimit").is_none());
    assert_eq!(response.legacy(), [Some("10"), None, None]);
    assert!(response.field("retry-after").is_none());
    assert_eq!(server.get("/listed").await.policies.len(), 2);
    store.mend();
    let response = server.get("/allowed").await;
    assert_eq!(response.legacy()[1], Some("9"), "nothing was counted");
}

#[tokio::test]
async fn raised_is_503_with_a_time_and_no_fields() {
    let server = server(&away()).await;
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
async fn a_handler_sees_the_request() {
    let server = server(&away()).await;
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
async fn what_the_other_backend_says_is_said_in_full() {
    let server = server(&away()).await;
    let response = server.get("/failed_over").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.limits[0].remaining, 9);
    let statuses = server.statuses("/failed_over", 10).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 9);
    assert_eq!(statuses.last(), Some(&429));
}

#[tokio::test]
async fn an_open_breaker_tells_when_to_come_back() {
    let server = server(&away()).await;
    assert_eq!(server.get("/broken_circuit").await.status, 503);
    let response = server.get("/broken_circuit").await;
    assert_eq!(response.status, 503);
    assert_eq!(response.field("retry-after"), Some("60"));
}

/// D7: an identifier that fails is no failure of the backend.
#[tokio::test]
async fn identifiers_are_none_of_its_business() {
    let store = away();
    let server = server(&store).await;
    assert_eq!(server.get("/unidentified").await.status, 500);
    assert_eq!(store.calls(), 0);
}

/// What the program does wrong stays 500, whatever the policy.
#[tokio::test]
async fn mistakes_are_500() {
    let store = Flaky::default();
    store.set(Trouble::Nonsense);
    let server = server(&store).await;
    for path in ["/silent", "/allowed", "/refused", "/raised", "/failed_over"] {
        let response = server.get(path).await;
        assert_eq!(response.status, 500, "{path}");
        assert!(response.has_no_limit_fields(), "{path}");
    }
}
