//! `min_wait`: the shortest `Retry-After` of a refusal; decisions stay exact.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, DynThrottle, Identity, Throttle as _, provide, throttled};
use traffik_tests::{Server, head, midnight};

#[throttled(rate = "1/10s", min_wait = "30s", identifier = everyone, headers = both)]
async fn lifted() {}

#[throttled(rate = "1/minute", min_wait = "30s", identifier = everyone)]
async fn longer_anyway() {}

#[throttled(rate = "1/s", min_wait = "1500ms", identifier = everyone, cost = 2, strategy = token_bucket(burst = 1, debt = 1))]
async fn rounded_up() {}

traffik::throttles! {
    defaults(min_wait = "40s", identifier = everyone);

    throttle Patient(rate = "9/10s");
    throttle Brisk(rate = "1/20s", min_wait = "5s");
}

#[throttled(Patient, Brisk)]
async fn set() {}

#[throttled(rate = "5/s", min_wait = "7s", on_error = throttle, identifier = everyone)]
async fn unreachable() {}

#[throttled(rate = "5/s", on_error = throttle, identifier = everyone)]
async fn unreachable_without() {}

fn app() -> Router {
    Router::new()
        .route("/lifted", get(lifted))
        .route("/longer", get(longer_anyway))
        .route("/rounded", get(rounded_up))
        .route("/set", get(set))
        .route("/unreachable", get(unreachable))
        .route("/away_without", get(unreachable_without))
}

async fn serve() -> Server {
    let (backend, _) = midnight();
    Server::start(app().layer(provide(backend))).await
}

#[tokio::test]
async fn raises_the_wait_of_refused_clients_only() {
    let server = serve().await;
    let admitted = server.get("/lifted").await;
    assert_eq!(admitted.limits[0].next, Some(10));
    assert_eq!(admitted.field("retry-after"), None);
    let refused = server.get("/lifted").await;
    assert_eq!(refused.field("retry-after"), Some("30"));
    assert_eq!(refused.limits[0].next, Some(30));
    assert_eq!(refused.legacy(), [Some("1"), Some("0"), Some("30")]);
    let detail = refused.json()["detail"].clone();
    assert_eq!(detail, "Too many requests; try again in 30 seconds");
}

#[tokio::test]
async fn keeps_a_longer_wait_and_rounds_up_to_seconds() {
    let server = serve().await;
    assert_eq!(server.statuses("/longer", 1).await, [200]);
    let refused = server.get("/longer").await;
    assert_eq!(refused.field("retry-after"), Some("60"));
    assert_eq!(server.statuses("/rounded", 1).await, [200]);
    let refused = server.get("/rounded").await;
    assert_eq!(refused.field("retry-after"), Some("2"));
}

#[tokio::test]
async fn raises_the_waits_of_the_violated_members_of_a_set() {
    let server = serve().await;
    assert_eq!(server.get("/set").await.status, 200);
    let refused = server.get("/set").await;
    assert_eq!(refused.field("retry-after"), Some("20"));
    let times: Vec<_> = refused.limits.iter().map(|it| it.next).collect();
    assert_eq!(times, [Some(10), Some(20)]);
}

#[tokio::test]
async fn leaves_the_wait_of_a_decision_exact() {
    let (backend, _) = midnight();
    let parts = head(&backend);
    assert!(lifted::hit(&parts).await.unwrap().admitted);
    let refused = lifted::hit(&parts).await.unwrap();
    assert_eq!(refused.wait, Some(Duration::from_secs(10)));
    assert_eq!(refused.next, Some(Duration::from_secs(10)));
    let stat = lifted::stat(&parts).await.unwrap();
    assert_eq!(stat.wait, Some(Duration::from_secs(10)));
}

#[tokio::test]
async fn is_the_whole_wait_if_no_law_decided() {
    let store = FlakyStore::new();
    let backend = Backend::custom(store.clone());
    store.fail(Fault::Refuse);
    let server = Server::start(app().layer(provide(backend.clone()))).await;
    let refused = server.get("/unreachable").await;
    assert_eq!(
        (refused.status, refused.field("retry-after")),
        (429, Some("7"))
    );
    let refused = server.get("/away_without").await;
    assert_eq!(refused.field("retry-after"), Some("1"));
    let throttle = DynThrottle::builder("jobs")
        .rate("5/s".parse().unwrap())
        .min_wait(Duration::from_millis(300))
        .backend(backend)
        .build()
        .unwrap();
    let throttled = throttle.hit(&Identity::everyone(), 1).await.unwrap();
    assert_eq!(throttled.wait, Some(Duration::from_millis(300)));
}
