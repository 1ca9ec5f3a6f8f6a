//! Several throttles decided as one: all admit and count, or none does.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use traffik::{Throttle as _, provide, throttled};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, head, midnight};

traffik::throttles! {
    throttle Burst(rate = "3/10s", identifier = everyone);
    throttle Sustained(rate = "5/minute", identifier = everyone);
    throttle Hourly(rate = "100/hour", identifier = everyone, cost = 10);
}

type Api = (Burst, Sustained);

#[throttled(Burst, Sustained)]
async fn data() {}

#[throttled(Api)]
async fn same_data() {}

#[throttled(Api, Hourly)]
async fn nested() {}

#[throttled(Burst, rate = "4/minute", identifier = everyone)]
async fn with_its_own() {}

fn app() -> Router {
    Router::new()
        .route("/", get(data))
        .route("/same", get(same_data))
        .route("/nested", get(nested))
        .route("/own", get(with_its_own))
}

#[tokio::test]
async fn charges_no_member_if_one_refuses() {
    let (backend, clock) = midnight();
    let server = Server::start(app().layer(provide(backend.clone()))).await;
    assert_eq!(
        server.statuses("/", 9).await,
        [200, 200, 200, 429, 429, 429, 429, 429, 429]
    );
    // After six refusals by `Burst`, `Sustained` has counted only the three admissions.
    assert_eq!(
        Sustained::stat(&head(&backend))
            .await
            .unwrap()
            .hits_remaining,
        2
    );
    clock.advance(Duration::from_secs(10));
    assert_eq!(server.statuses("/", 4).await, [200, 200, 429, 429]);
    // After two refusals by `Sustained`, one unit of `Burst` remains.
    let (burst, sustained) = Api::stat(&head(&backend)).await.unwrap();
    assert_eq!((burst.hits_remaining, sustained.hits_remaining), (1, 0));
}

#[tokio::test]
async fn reports_every_member_and_the_longest_wait() {
    let (backend, clock) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    assert_eq!(server.statuses("/", 3).await, [200; 3]);
    let by_burst = server.get("/").await;
    assert_eq!(
        by_burst.limits,
        [
            ServiceLimit::new("Burst", 0, 10),
            ServiceLimit::new("Sustained", 2, 60)
        ]
    );
    assert_eq!(
        by_burst.policies,
        [
            QuotaPolicy::new("Burst", 3, 10),
            QuotaPolicy::new("Sustained", 5, 60)
        ]
    );
    assert_eq!(by_burst.field("retry-after"), Some("10"));
    assert_eq!(
        by_burst.json()["violated-policies"],
        serde_json::json!(["Burst"])
    );

    clock.advance(Duration::from_secs(10));
    assert_eq!(server.statuses("/", 2).await, [200; 2]);
    let by_sustained = server.get("/").await;
    assert_eq!(by_sustained.field("retry-after"), Some("50"));
    assert_eq!(
        by_sustained.json()["violated-policies"],
        serde_json::json!(["Sustained"])
    );
}

#[tokio::test]
async fn reports_all_violated_members() {
    let (backend, _) = midnight();
    let parts = head(&backend);
    assert!(Burst::hit_cost(&parts, 3).await.unwrap().admitted);
    assert!(Sustained::hit_cost(&parts, 5).await.unwrap().admitted);
    let server = Server::start(app().layer(provide(backend))).await;
    let refused = server.get("/").await;
    assert_eq!(refused.field("retry-after"), Some("60"));
    assert_eq!(
        refused.json()["violated-policies"],
        serde_json::json!(["Burst", "Sustained"])
    );
}

#[tokio::test]
async fn shares_the_budget_of_a_throttle_among_its_handlers() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    assert_eq!(server.statuses("/", 2).await, [200; 2]);
    assert_eq!(server.statuses("/same", 2).await, [200, 429]);
    assert_eq!(server.get("/own").await.status, 429);
}

#[tokio::test]
async fn nests_with_the_cost_of_each_member() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    let expected = [
        ServiceLimit::new("Burst", 2, 10),
        ServiceLimit::new("Sustained", 4, 60),
        ServiceLimit::new("Hourly", 90, 3_600),
    ];
    assert_eq!(server.get("/nested").await.limits, expected);
}

#[tokio::test]
async fn combines_named_throttles_and_a_rate() {
    let (backend, clock) = midnight();
    let server = Server::start(app().layer(provide(backend.clone()))).await;
    let first = server.get("/own").await;
    assert_eq!(
        first.limits,
        [
            ServiceLimit::new("Burst", 2, 10),
            ServiceLimit::new("with_its_own", 3, 60)
        ]
    );
    assert_eq!(server.statuses("/own", 3).await, [200, 200, 429]);
    clock.advance(Duration::from_secs(10));
    assert_eq!(server.statuses("/own", 2).await, [200, 429]);
    assert_eq!(
        Burst::stat(&head(&backend)).await.unwrap().hits_remaining,
        2
    );
}
