//! `headers`: the header fields of admitted and refused responses.

use axum::Router;
use axum::routing::get;
use traffik::{provide, throttled};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, midnight};

#[throttled(rate = "1/minute", headers = ietf)]
async fn ietf() {}

#[throttled(rate = "1/minute", headers = legacy)]
async fn legacy() {}

#[throttled(rate = "1/minute", headers = "both")]
async fn both() {}

#[throttled(rate = "1/minute", headers = none)]
async fn none() {}

traffik::throttles! {
    throttle Loud(rate = "5/minute", headers = legacy);
    throttle Quiet(rate = "9/minute", headers = none);
    throttle Default(rate = "2/hour");
}

#[throttled(Loud, Quiet, Default)]
async fn mixed() {}

#[throttled(Loud, Quiet, Default, headers = both)]
async fn overridden() {}

#[throttled(Quiet, Loud, headers = legacy)]
async fn legacy_fields() {}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/ietf", get(ietf))
        .route("/legacy", get(legacy))
        .route("/both", get(both))
        .route("/none", get(none))
        .route("/mixed", get(mixed))
        .route("/overridden", get(overridden))
        .route("/of_old", get(legacy_fields));
    Server::start(app.layer(provide(backend))).await
}

#[tokio::test]
async fn sends_two_lists_for_ietf() {
    let server = serve().await;
    for status in [200, 429] {
        let response = server.get("/ietf").await;
        assert_eq!(response.status, status);
        assert_eq!(response.policies, [QuotaPolicy::new("ietf", 1, 60)]);
        assert_eq!(response.limits, [ServiceLimit::new("ietf", 0, 60)]);
        assert_eq!(response.legacy(), [None; 3]);
    }
}

#[tokio::test]
async fn sends_three_numbers_for_legacy() {
    let server = serve().await;
    for (status, wait) in [(200, None), (429, Some("60"))] {
        let response = server.get("/legacy").await;
        assert_eq!(response.status, status);
        assert_eq!(response.legacy(), [Some("1"), Some("0"), Some("60")]);
        assert_eq!(response.field("retry-after"), wait);
        assert!(response.policies.is_empty() && response.limits.is_empty());
    }
}

#[tokio::test]
async fn sends_lists_and_numbers_for_both() {
    let server = serve().await;
    for status in [200, 429] {
        let response = server.get("/both").await;
        assert_eq!(response.status, status);
        assert_eq!(response.legacy(), [Some("1"), Some("0"), Some("60")]);
        assert_eq!(response.limits, [ServiceLimit::new("both", 0, 60)]);
        assert_eq!(response.policies, [QuotaPolicy::new("both", 1, 60)]);
    }
}

#[tokio::test]
async fn sends_only_retry_after_for_none() {
    let server = serve().await;
    assert!(server.get("/none").await.has_no_limit_fields());
    let refused = server.get("/none").await;
    assert_eq!(
        (refused.status, refused.field("retry-after")),
        (429, Some("60"))
    );
    assert_eq!(
        refused.json()["violated-policies"],
        serde_json::json!(["none"])
    );
    assert_eq!(refused.legacy(), [None; 3]);
    assert!(refused.policies.is_empty() && refused.limits.is_empty());
}

#[tokio::test]
async fn applies_the_style_of_each_member_of_a_set() {
    let server = serve().await;
    let response = server.get("/mixed").await;
    assert_eq!(response.legacy(), [Some("5"), Some("4"), Some("60")]);
    assert_eq!(response.limits, [ServiceLimit::new("Default", 1, 3_600)]);
}

#[tokio::test]
async fn overrides_the_style_of_all_members() {
    let server = serve().await;
    let response = server.get("/overridden").await;
    let names: Vec<_> = response
        .limits
        .iter()
        .map(|limit| limit.name.as_str())
        .collect();
    assert_eq!(names, ["Loud", "Quiet", "Default"]);
    // The smallest remainder.
    assert_eq!(response.legacy(), [Some("2"), Some("1"), Some("3600")]);
}

#[tokio::test]
async fn writes_the_smallest_remainder_or_the_longest_wait_into_legacy_fields() {
    let server = serve().await;
    let admitted = server.get("/of_old").await;
    assert_eq!(admitted.legacy(), [Some("5"), Some("4"), Some("60")]);
    assert_eq!(server.statuses("/of_old", 4).await, [200; 4]);
    let refused = server.get("/of_old").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.legacy(), [Some("5"), Some("0"), Some("60")]);
}
