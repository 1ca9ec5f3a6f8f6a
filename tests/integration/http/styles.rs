//! Which header fields are sent, on admitted and on refused responses alike.

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
    throttle Plain(rate = "2/hour");
}

#[throttled(Loud, Quiet, Plain)]
async fn mixed() {}

#[throttled(Loud, Quiet, Plain, headers = both)]
async fn overridden() {}

#[throttled(Quiet, Loud, headers = legacy)]
async fn of_old() {}

async fn served() -> Server {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/ietf", get(ietf))
        .route("/legacy", get(legacy))
        .route("/both", get(both))
        .route("/none", get(none))
        .route("/mixed", get(mixed))
        .route("/overridden", get(overridden))
        .route("/of_old", get(of_old));
    Server::start(app.layer(provide(backend))).await
}

#[tokio::test]
async fn ietf_is_two_lists() {
    let server = served().await;
    for status in [200, 429] {
        let response = server.get("/ietf").await;
        assert_eq!(response.status, status);
        assert_eq!(response.policies, [QuotaPolicy::new("ietf", 1, 60)]);
        assert_eq!(response.limits, [ServiceLimit::new("ietf", 0, 60)]);
        assert_eq!(response.legacy(), [None; 3]);
    }
}

#[tokio::test]
async fn legacy_is_three_numbers() {
    let server = served().await;
    for (status, wait) in [(200, None), (429, Some("60"))] {
        let response = server.get("/legacy").await;
        assert_eq!(response.status, status);
        assert_eq!(response.legacy(), [Some("1"), Some("0"), Some("60")]);
        assert_eq!(response.field("retry-after"), wait);
        assert!(response.policies.is_empty() && response.limits.is_empty());
    }
}

#[tokio::test]
async fn both_is_both() {
    let server = served().await;
    for status in [200, 429] {
        let response = server.get("/both").await;
        assert_eq!(response.status, status);
        assert_eq!(response.legacy(), [Some("1"), Some("0"), Some("60")]);
        assert_eq!(response.limits, [ServiceLimit::new("both", 0, 60)]);
        assert_eq!(response.policies, [QuotaPolicy::new("both", 1, 60)]);
    }
}

#[tokio::test]
async fn none_is_none_but_a_refusal_says_when_to_come_back() {
    let server = served().await;
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
async fn in_a_set_each_member_keeps_its_style() {
    let server = served().await;
    let response = server.get("/mixed").await;
    assert_eq!(response.legacy(), [Some("5"), Some("4"), Some("60")]);
    assert_eq!(response.limits, [ServiceLimit::new("Plain", 1, 3_600)]);
}

#[tokio::test]
async fn a_handler_can_set_the_style_of_all() {
    let server = served().await;
    let response = server.get("/overridden").await;
    let names: Vec<_> = response
        .limits
        .iter()
        .map(|limit| limit.name.as_str())
        .collect();
    assert_eq!(names, ["Loud", "Quiet", "Plain"]);
    // The least that remains.
    assert_eq!(response.legacy(), [Some("2"), Some("1"), Some("3600")]);
}

#[tokio::test]
async fn the_fields_of_old_tell_of_the_least_that_remains_or_of_the_longest_wait() {
    let server = served().await;
    let admitted = server.get("/of_old").await;
    assert_eq!(admitted.legacy(), [Some("5"), Some("4"), Some("60")]);
    assert_eq!(server.statuses("/of_old", 4).await, [200; 4]);
    let refused = server.get("/of_old").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.legacy(), [Some("5"), Some("0"), Some("60")]);
}
