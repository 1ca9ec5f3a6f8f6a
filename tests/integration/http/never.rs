//! Costs that can never be admitted say so.

use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{Throttle as _, provide, throttled};
use traffik_tests::{Server, Standing, head, midnight};

fn weight(parts: &Parts) -> u64 {
    let weight = parts
        .headers
        .get("x-weight")
        .and_then(|weight| weight.to_str().ok());
    weight.and_then(|weight| weight.parse().ok()).unwrap_or(1)
}

#[throttled(rate = "5/minute", cost = weight, identifier = everyone)]
async fn weighed() {}

#[throttled(rate = "5/minute", strategy = token_bucket(burst = 8), cost = weight, identifier = everyone)]
async fn burst() {}

#[throttled(rate = "5/minute", strategy = gcra, cost = weight, identifier = everyone)]
async fn spaced() {}

#[throttled(rate = "5/minute", strategy = sliding_counter, cost = weight, identifier = everyone)]
async fn sliding() {}

traffik::throttles! {
    throttle Narrow(rate = "2/minute", identifier = everyone, cost = weight);
    throttle Wide(rate = "9/minute", identifier = everyone, cost = weight);
}

#[throttled(Wide, Narrow)]
async fn both() {}

fn app() -> Router {
    Router::new()
        .route("/weighed", get(weighed))
        .route("/burst", get(burst))
        .route("/spaced", get(spaced))
        .route("/sliding", get(sliding))
        .route("/both", get(both))
}

#[tokio::test]
async fn what_costs_more_than_is_ever_admitted_is_told_never_and_not_when() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    for (path, cost) in [
        ("/weighed", "6"),
        ("/burst", "9"),
        ("/spaced", "6"),
        ("/sliding", "6"),
        ("/weighed", "18446744073709551615"),
    ] {
        let refused = server.get_with(path, "x-weight", cost).await;
        assert_eq!(
            (refused.status, refused.field("retry-after")),
            (429, None),
            "{path}"
        );
        assert_eq!(
            refused.field("content-type"),
            Some("application/problem+json")
        );
        let problem = refused.json();
        let kind = problem["type"].as_str().unwrap_or_default();
        assert!(kind.ends_with("never-satisfiable"), "{path}: {kind}");
        assert_eq!(
            problem["violated-policies"],
            serde_json::json!([&path[1..]])
        );
    }
}

#[tokio::test]
async fn what_costs_all_there_is_is_admitted() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    for (path, cost) in [
        ("/weighed", "5"),
        ("/burst", "8"),
        ("/spaced", "5"),
        ("/sliding", "5"),
    ] {
        assert_eq!(
            server.get_with(path, "x-weight", cost).await.status,
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_refusal_for_ever_takes_nothing_and_still_reports() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    let refused = server.get_with("/weighed", "x-weight", "6").await;
    // All is there, and no more will come.
    assert_eq!(refused.standings, [Standing::new("weighed", 5, None)]);
    assert_eq!(
        server.get("/weighed").await.standings,
        [Standing::new("weighed", 4, 60)]
    );
}

#[tokio::test]
async fn in_a_set_never_is_the_longest_wait() {
    let (backend, _) = midnight();
    let parts = head(&backend);
    assert!(Wide::hit_cost(&parts, 9).await.unwrap().admitted);
    let server = Server::start(app().layer(provide(backend.clone()))).await;
    let refused = server.get_with("/both", "x-weight", "3").await;
    assert_eq!((refused.status, refused.field("retry-after")), (429, None));
    assert_eq!(
        refused.json()["violated-policies"],
        serde_json::json!(["Wide", "Narrow"])
    );
    assert_eq!(Narrow::stat(&parts).await.unwrap().hits_remaining, 2);
}

#[tokio::test]
async fn a_decision_says_never_as_no_wait() {
    let (backend, clock) = midnight();
    let parts = head(&backend);
    let decision = weighed::hit_cost(&parts, 6).await.unwrap();
    assert!(!decision.admitted && decision.never());
    assert_eq!((decision.wait, decision.remaining), (None, 5));
    clock.advance(Duration::from_secs(3_600));
    assert!(weighed::hit_cost(&parts, 6).await.unwrap().never());
    assert!(!weighed::check(&parts, 6).await.unwrap());
}
