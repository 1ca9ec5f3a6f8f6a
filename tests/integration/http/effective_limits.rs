//! The effective limit in header fields, where the client or the time of day determines it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::routing::get;
use http::Request;
use tower::ServiceExt as _;
use traffik::testing::{Fault, FlakyStore};
use traffik::{
    Backend, HeaderOptions, HeaderStyle, HeaderSyntax, Identity, Throttle as _, provide, throttled,
};
use traffik_tests::{PEER, QuotaPolicy, TestResponse, head, midnight, peer};

fn by_plan(parts: &Parts) -> Identity {
    let plan = parts.headers.get("x-plan");
    let plan = plan.map_or("free", |plan| plan.to_str().unwrap());
    Identity::everyone().tier(plan)
}

traffik::throttles! {
    defaults(headers = both);

    throttle Tiered(rate = "2/minute", identifier = by_plan, strategy = tiered(free = 1.0, premium = 5.0, huge = 1000000.0, default = free));
    throttle Both(rate = ["2/minute", "10/hour"], identifier = by_plan, strategy = tiered(free = 1.0, premium = 5.0, default = free));
    throttle Hours(rate = "4/hour", identifier = everyone, strategy = time_of_day(windows = ["00:00-02:00" = 0.5, "02:00-04:00" = 3.0]));
    throttle Closed(rate = "4/hour", identifier = everyone, strategy = time_of_day(windows = ["00:00-02:00" = 0.0]));
    throttle Bucket(rate = "2/minute", identifier = everyone, strategy = token_bucket(burst = 9));
    throttle MaxLimit(rate = "4000000000/day", identifier = by_plan, strategy = tiered(free = 1.0, huge = 1000000.0, default = free));
}

#[throttled(Tiered)]
async fn tiered() {}

#[throttled(Both)]
async fn both() {}

#[throttled(Hours)]
async fn hours() {}

#[throttled(Closed)]
async fn closed() {}

#[throttled(Bucket)]
async fn bucket() {}

#[throttled(MaxLimit)]
async fn max_limit() {}

fn app(backend: Backend) -> Router {
    let app = Router::new()
        .route("/tiered", get(tiered))
        .route("/both", get(both))
        .route("/hours", get(hours))
        .route("/closed", get(closed))
        .route("/bucket", get(bucket))
        .route("/max_limit", get(max_limit));
    app.layer(provide(backend))
}

async fn send(app: &Router, path: &str, plan: &str) -> TestResponse {
    let request = Request::get(path).header("x-plan", plan);
    let request = request.extension(peer(PEER)).body(Body::empty()).unwrap();
    TestResponse::read(app.clone().oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn sends_the_limit_of_the_tier_in_admitted_and_refused_responses() {
    let app = app(midnight().0);
    for (plan, status, limit) in [
        ("free", 200, 2),
        ("premium", 200, 10),
        ("free", 429, 2),
        ("premium", 200, 10),
    ] {
        let response = send(&app, "/tiered", plan).await;
        assert_eq!(response.status, status, "{plan}");
        assert_eq!(response.policies, [QuotaPolicy::new("Tiered", limit, 60)]);
        assert_eq!(response.legacy()[0], Some(limit.to_string().as_str()));
    }
}

#[tokio::test]
async fn sends_the_limit_of_the_tier_for_each_rate_of_a_list() {
    let app = app(midnight().0);
    let response = send(&app, "/both", "premium").await;
    let expected = [
        QuotaPolicy::new("Both 2/m", 10, 60),
        QuotaPolicy::new("Both 10/h", 50, 3_600),
    ];
    assert_eq!(response.policies, expected);
    assert_eq!(response.legacy()[0], Some("10"));
}

#[tokio::test]
async fn sends_the_limit_of_the_hour() {
    let (backend, clock) = midnight();
    let app = app(backend);
    for limit in [2, 12, 4] {
        let response = send(&app, "/hours", "").await;
        assert_eq!(response.policies, [QuotaPolicy::new("Hours", limit, 3_600)]);
        assert_eq!(response.legacy()[0], Some(limit.to_string().as_str()));
        clock.advance(Duration::from_secs(2 * 3_600));
    }
}

#[tokio::test]
async fn sends_a_limit_of_zero_for_a_closed_hour() {
    let (backend, clock) = midnight();
    let app = app(backend);
    for (status, limit) in [(429, 0), (200, 4)] {
        let response = send(&app, "/closed", "").await;
        assert_eq!(response.status, status);
        assert_eq!(
            response.policies,
            [QuotaPolicy::new("Closed", limit, 3_600)]
        );
        clock.advance(Duration::from_secs(2 * 3_600));
    }
}

#[tokio::test]
async fn sends_the_limit_of_the_rate_with_a_burst() {
    let response = send(&app(midnight().0), "/bucket", "").await;
    assert_eq!(response.policies, [QuotaPolicy::new("Bucket", 2, 60)]);
    assert_eq!(response.legacy()[0], Some("2"));
}

/// A structured field carries integers of fifteen digits (RFC 9651).
#[tokio::test]
async fn clamps_a_limit_to_fifteen_digits() {
    let response = send(&app(midnight().0), "/max_limit", "huge").await;
    assert_eq!(
        response.policies,
        [QuotaPolicy::new("MaxLimit", 999_999_999_999_999, 86_400)]
    );
}

#[tokio::test]
async fn uses_the_effective_limit_in_stat_and_draft_6() {
    let (backend, clock) = midnight();
    let draft_6 = HeaderOptions::new().syntax(HeaderSyntax::Draft6);
    let mut parts = head(&backend);
    parts.headers.insert("x-plan", "premium".parse().unwrap());
    let stat = Tiered::stat(&parts).await.unwrap();
    let headers = stat.headers(HeaderStyle::Both);
    assert_eq!(headers["ratelimit-policy"], "\"Tiered\";q=10;w=60");
    assert_eq!(headers["x-ratelimit-limit"], "10");
    let headers = stat.headers_with(HeaderStyle::Ietf, draft_6);
    assert_eq!(headers["ratelimit-policy"], "10;w=60");
    assert_eq!(headers["ratelimit-limit"], "10");
    for limit in ["2", "12"] {
        let stat = Hours::stat(&parts).await.unwrap();
        let headers = stat.headers_with(HeaderStyle::Both, draft_6);
        assert_eq!(headers["ratelimit-limit"], limit);
        assert_eq!(headers["x-ratelimit-limit"], limit);
        assert_eq!(headers["ratelimit-policy"], format!("{limit};w=3600"));
        clock.advance(Duration::from_secs(2 * 3_600));
    }
}

/// The policy is sent even if no law decided.
#[tokio::test]
async fn sends_the_effective_limit_if_the_backend_fails() {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
    for policy in [traffik::failure::allow(), traffik::failure::throttle()] {
        let (_, clock) = midnight();
        let backend = Backend::custom(store.clone()).clock(clock).on_error(policy);
        let mut parts = head(&backend);
        parts.headers.insert("x-plan", "premium".parse().unwrap());
        let decision = Tiered::hit(&parts).await.unwrap();
        assert_eq!((decision.decided, decision.limit), (false, 10));
        assert_eq!(Hours::hit(&parts).await.unwrap().limit, 2);
        assert_eq!(Bucket::hit(&parts).await.unwrap().limit, 9);
        let app = app(backend);
        let response = send(&app, "/tiered", "premium").await;
        assert_eq!(response.policies, [QuotaPolicy::new("Tiered", 10, 60)]);
        assert_eq!(response.legacy()[0], Some("10"));
        let response = send(&app, "/hours", "").await;
        assert_eq!(response.policies, [QuotaPolicy::new("Hours", 2, 3_600)]);
    }
}
