//! Responses whose handler has written rate-limit fields already.

use axum::Router;
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::get;
use traffik::{ThrottleLayer, provide, throttled};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, midnight};

#[throttled(rate = "3/minute", headers = both)]
async fn ours() -> impl IntoResponse {
    let theirs = [
        ("ratelimit", "\"theirs\";r=1;t=2"),
        ("ratelimit-policy", "\"theirs\";q=7;w=9"),
        ("ratelimit", "\"more\";r=3"),
        ("ratelimit-policy", "\"more\";q=4"),
        ("x-ratelimit-limit", "100"),
        ("x-ratelimit-remaining", "99"),
        ("x-ratelimit-remaining", "98"),
        ("x-ratelimit-reset", "97"),
        ("x-request-id", "7"),
    ];
    AppendHeaders(theirs)
}

#[throttled(rate = "3/minute", headers = none)]
async fn silent() -> impl IntoResponse {
    [
        ("ratelimit", "\"theirs\";r=1"),
        ("x-ratelimit-limit", "100"),
    ]
}

#[throttled(rate = "3/minute")]
async fn empty() -> impl IntoResponse {
    AppendHeaders([
        ("ratelimit", ""),
        ("ratelimit", "\"theirs\";r=1"),
        ("ratelimit", " "),
    ])
}

#[throttled(rate = "3/minute")]
async fn named() -> impl IntoResponse {
    AppendHeaders([
        ("ratelimit", "\"named\";r=1, \"named-3\";r=5"),
        ("ratelimit-policy", "\"named-2\";q=4"),
    ])
}

mod other {
    #[traffik::throttled(rate = "9/hour")]
    pub(super) async fn same() {}
}

traffik::throttles! {
    #[allow(non_camel_case_types)]
    throttle same(rate = "5/minute");
}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/ours", get(ours))
        .route("/silent", get(silent))
        .route("/empty", get(empty))
        .route("/named", get(named))
        .route(
            "/same",
            get(other::same).layer(ThrottleLayer::new().throttle::<same>()),
        );
    Server::start(app.layer(provide(backend))).await
}

#[tokio::test]
async fn appends_to_the_lists_of_the_handler() {
    let response = serve().await.get("/ours").await;
    let limits = [
        ServiceLimit::new("ours", 2, 60),
        ServiceLimit::new("theirs", 1, 2),
        ServiceLimit::new("more", 3, None),
    ];
    assert_eq!(response.limits, limits);
    let policies = [
        QuotaPolicy::new("ours", 3, 60),
        QuotaPolicy::new("theirs", 7, 9),
        QuotaPolicy::new("more", 4, None),
    ];
    assert_eq!(response.policies, policies);
}

/// An empty line would leave a trailing comma, which makes the field malformed.
#[tokio::test]
async fn ignores_empty_lines() {
    let response = serve().await.get("/empty").await;
    let limits = [
        ServiceLimit::new("empty", 2, 60),
        ServiceLimit::new("theirs", 1, None),
    ];
    assert_eq!(response.limits, limits);
}

/// Names in one field differ, also from those of the handler, and are equal in both fields.
#[tokio::test]
async fn avoids_the_names_of_the_handler() {
    let server = serve().await;
    let response = server.get("/named").await;
    assert_eq!(response.limits[0], ServiceLimit::new("named-4", 2, 60));
    assert_eq!(response.policies[0], QuotaPolicy::new("named-4", 3, 60));

    let response = server.get("/same").await;
    let limits = [
        ServiceLimit::new("same-2", 4, 60),
        ServiceLimit::new("same", 8, 3_600),
    ];
    assert_eq!(response.limits, limits);
    let policies = [
        QuotaPolicy::new("same-2", 5, 60),
        QuotaPolicy::new("same", 9, 3_600),
    ];
    assert_eq!(response.policies, policies);
}

#[tokio::test]
async fn replaces_single_values_and_leaves_all_others() {
    let response = serve().await.get("/ours").await;
    assert_eq!(response.legacy(), [Some("3"), Some("2"), Some("60")]);
    assert_eq!(response.field("x-request-id"), Some("7"));
}

#[tokio::test]
async fn leaves_the_fields_of_the_handler_if_it_writes_none() {
    let response = serve().await.get("/silent").await;
    assert_eq!(response.limits, [ServiceLimit::new("theirs", 1, None)]);
    assert_eq!(response.legacy(), [Some("100"), None, None]);
}
