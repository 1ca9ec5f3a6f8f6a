//! A custom strategy over HTTP.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use traffik::strategy::{Hit, Strategy};
use traffik::{Report, Throttle as _, provide, throttled};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, head, midnight};

/// Admits one hit per period, counted from the last hit.
#[derive(Debug)]
struct Cooldown;

impl Strategy for Cooldown {
    /// The time of the last admitted hit.
    type State = u64;
    type Metadata = Option<u64>;

    fn name(&self) -> &'static str {
        "cooldown"
    }

    fn decide(&self, last: Option<u64>, hit: &Hit<'_>) -> Option<u64> {
        (hit.now >= due(last, hit)).then_some(hit.now)
    }

    fn report(&self, last: Option<&u64>, hit: &Hit<'_>) -> Report {
        let wait = Duration::from_micros(due(last.copied(), hit).saturating_sub(hit.now));
        let next = (!wait.is_zero()).then_some(wait);
        let remaining = u64::from(wait.is_zero());
        Report {
            limit: 1,
            remaining,
            wait: Some(wait),
            next,
            reset: wait,
            ..Report::default()
        }
    }

    fn metadata(&self, last: Option<&u64>, _: &Hit<'_>) -> Option<u64> {
        last.copied()
    }
}

fn due(last: Option<u64>, hit: &Hit<'_>) -> u64 {
    last.map_or(0, |last| last + hit.rate.period_micros())
}

#[throttled(rate = "1/10s", strategy = custom(Cooldown), identifier = everyone)]
async fn rare() {}

#[throttled(rate = "0/0", strategy = custom(Cooldown), identifier = everyone)]
async fn open() {}

traffik::throttles! {
    throttle Rare(rate = "1/10s", strategy = custom(Cooldown), identifier = everyone);
    throttle Counted(rate = "2/minute", identifier = everyone);
}

#[throttled(Rare, Counted)]
async fn both() {}

fn app() -> Router {
    Router::new()
        .route("/rare", get(rare))
        .route("/open", get(open))
        .route("/both", get(both))
}

#[tokio::test]
async fn decides_and_reports_by_the_strategy() {
    let (backend, clock) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    let response = server.get("/rare").await;
    assert_eq!(response.policies, [QuotaPolicy::new("rare", 1, 10)]);
    assert_eq!(response.limits, [ServiceLimit::new("rare", 0, 10)]);
    clock.advance(Duration::from_micros(9_999_999));
    let refused = server.get("/rare").await;
    assert_eq!(
        (refused.status, refused.field("retry-after")),
        (429, Some("1"))
    );
    clock.advance(Duration::from_micros(1));
    assert_eq!(server.statuses("/rare", 2).await, [200, 429]);
}

#[tokio::test]
async fn does_not_call_the_strategy_without_a_limit() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    assert_eq!(server.statuses("/open", 5).await, [200; 5]);
    assert!(server.get("/open").await.has_no_limit_fields());
}

#[tokio::test]
async fn counts_all_members_of_a_set_or_none() {
    let (backend, clock) = midnight();
    let server = Server::start(app().layer(provide(backend.clone()))).await;
    let parts = head(&backend);
    assert_eq!(server.statuses("/both", 4).await, [200, 429, 429, 429]);
    assert_eq!(Counted::stat(&parts).await.unwrap().hits_remaining, 1);
    assert!(Rare::stat(&parts).await.unwrap().metadata.is_some());
    Counted::hit(&parts).await.unwrap();
    clock.advance(Duration::from_secs(10));
    assert_eq!(server.get("/both").await.status, 429);
    // The state has expired, and a refusal writes none.
    assert_eq!(Rare::stat(&parts).await.unwrap().metadata, None);
}
