//! The `RateLimit` fields of the IETF draft, policy by policy.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use traffik::{provide, throttled};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, midnight};

#[throttled(rate = ["10/s", "1000/hour"], identifier = everyone)]
async fn api() {}

#[throttled(rate = "10/1500ms", identifier = everyone)]
async fn one_and_a_half() {}

#[throttled(rate = "10/500ms", identifier = everyone)]
async fn subsecond() {}

#[throttled(rate = "10/minute", strategy = token_bucket(burst = 25), identifier = everyone)]
async fn bursts() {}

#[throttled(rate = "10/minute", strategy = gcra, identifier = everyone)]
async fn spaced() {}

#[throttled(rate = "5/minute", cost = 0, allow(zero_cost), identifier = everyone)]
async fn free() {}

mod other {
    traffik::throttles! {
        pub(crate) throttle Twin(rate = "7/minute", identifier = everyone);
    }

    pub(crate) mod third {
        traffik::throttles! {
            pub(crate) throttle Twin(rate = "9/minute", identifier = everyone);
        }
    }
}

traffik::throttles! {
    throttle Twin(rate = "5/minute", identifier = everyone);
}

#[throttled(Twin, other::Twin, other::third::Twin)]
async fn twins() {}

mod silent {
    traffik::throttles! {
        pub(crate) throttle Twin(rate = "9/minute", identifier = everyone, headers = none);
    }
}

#[throttled(silent::Twin, Twin)]
async fn one_is_silent() {}

#[throttled(rate = "4/minute", identifier = everyone)]
async fn r#type() {}

#[throttled(rate = "4/minute", identifier = everyone)]
async fn größe() {}

#[tokio::test]
async fn names_the_policies_of_several_rates_by_their_rate() {
    let (backend, _) = midnight();
    let server = Server::start(Router::new().route("/", get(api)).layer(provide(backend))).await;
    let response = server.get("/").await;
    assert_eq!(
        response.policies,
        [
            QuotaPolicy::new("api 10/s", 10, 1),
            QuotaPolicy::new("api 1000/h", 1_000, 3_600)
        ]
    );
    assert_eq!(
        response.limits,
        [
            ServiceLimit::new("api 10/s", 9, 1),
            ServiceLimit::new("api 1000/h", 999, 3_600)
        ]
    );
    assert_eq!(server.statuses("/", 9).await, [200; 9]);
    let refused = server.get("/").await;
    assert_eq!(
        refused.limits,
        [
            ServiceLimit::new("api 10/s", 0, 1),
            ServiceLimit::new("api 1000/h", 990, 3_600)
        ]
    );
    assert_eq!(
        refused.json()["violated-policies"],
        serde_json::json!(["api 10/s"])
    );
}

#[tokio::test]
async fn rounds_a_window_up_to_seconds_and_omits_it_below_one() {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/long", get(one_and_a_half))
        .route("/short", get(subsecond));
    let server = Server::start(app.layer(provide(backend))).await;
    let long = server.get("/long").await;
    assert_eq!(
        long.field("ratelimit-policy"),
        Some("\"one_and_a_half\";q=10;w=2")
    );
    assert_eq!(long.field("ratelimit"), Some("\"one_and_a_half\";r=9;t=2"));
    let short = server.get("/short").await;
    assert_eq!(short.field("ratelimit-policy"), Some("\"subsecond\";q=10"));
    assert_eq!(short.field("ratelimit"), Some("\"subsecond\";r=9;t=1"));
}

#[tokio::test]
async fn reports_more_than_the_limit_with_a_burst() {
    let (backend, clock) = midnight();
    let server = Server::start(
        Router::new()
            .route("/", get(bursts))
            .layer(provide(backend)),
    )
    .await;
    let response = server.get("/").await;
    assert_eq!(response.policies, [QuotaPolicy::new("bursts", 10, 60)]);
    // A token is refilled every six seconds.
    assert_eq!(response.limits, [ServiceLimit::new("bursts", 24, 6)]);
    assert_eq!(server.statuses("/", 24).await, [200; 24]);
    clock.advance(Duration::from_millis(2_500));
    let refused = server.get("/").await;
    assert_eq!(refused.limits, [ServiceLimit::new("bursts", 0, 4)]);
    assert_eq!(refused.field("retry-after"), Some("4"));
}

#[tokio::test]
async fn omits_the_time_if_nothing_more_will_be_available() {
    let (backend, _) = midnight();
    let server = Server::start(Router::new().route("/", get(free)).layer(provide(backend))).await;
    assert_eq!(
        server.get("/").await.field("ratelimit"),
        Some("\"free\";r=5")
    );
}

#[tokio::test]
async fn reports_the_time_until_more_units_are_available() {
    let (backend, _) = midnight();
    let server = Server::start(
        Router::new()
            .route("/", get(spaced))
            .layer(provide(backend)),
    )
    .await;
    let response = server.get("/").await;
    assert_eq!(response.limits, [ServiceLimit::new("spaced", 0, 6)]);
    assert_eq!(server.get("/").await.field("retry-after"), Some("6"));
}

#[tokio::test]
async fn numbers_throttles_of_one_name() {
    let (backend, _) = midnight();
    let server = Server::start(Router::new().route("/", get(twins)).layer(provide(backend))).await;
    let response = server.get("/").await;
    let policies = [
        QuotaPolicy::new("Twin", 5, 60),
        QuotaPolicy::new("Twin-2", 7, 60),
        QuotaPolicy::new("Twin-3", 9, 60),
    ];
    assert_eq!(response.policies, policies);
    let limits = [
        ServiceLimit::new("Twin", 4, 60),
        ServiceLimit::new("Twin-2", 6, 60),
        ServiceLimit::new("Twin-3", 8, 60),
    ];
    assert_eq!(response.limits, limits);
    assert_eq!(server.statuses("/", 4).await, [200; 4]);
    assert_eq!(
        server.get("/").await.json()["violated-policies"],
        serde_json::json!(["Twin"])
    );
}

#[tokio::test]
async fn uses_one_name_in_the_fields_and_in_the_problem() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(one_is_silent));
    let server = Server::start(app.layer(provide(backend))).await;
    assert_eq!(server.statuses("/", 5).await, [200; 5]);
    let refused = server.get("/").await;
    assert_eq!(refused.limits, [ServiceLimit::new("Twin-2", 0, 60)]);
    assert_eq!(
        refused.json()["violated-policies"],
        serde_json::json!(["Twin-2"])
    );
}

#[tokio::test]
async fn encodes_names_as_printable_ascii_without_raw_prefixes() {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/raw", get(r#type))
        .route("/german", get(größe));
    let server = Server::start(app.layer(provide(backend))).await;
    assert_eq!(
        server.get("/raw").await.policies,
        [QuotaPolicy::new("type", 4, 60)]
    );
    assert_eq!(
        server.get("/german").await.policies,
        [QuotaPolicy::new("gr%C3%B6%C3%9Fe", 4, 60)]
    );
}
