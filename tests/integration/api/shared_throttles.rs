//! Throttles that a library defines once and its handlers, extractors and code share.

// A library makes its throttles public.
#![allow(unreachable_pub)]

use axum::Json;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::request::Parts;
use serde_json::json;
use traffik::{
    Backend, Decision, Error, HeaderStyle, Identity, Quota, Stat, Throttle, provide, throttled,
};
use traffik_tests::{Server, head, midnight};

type Data = serde_json::Value;

fn user_id(parts: &Parts) -> Identity {
    let user = parts.headers.get("x-user");
    user.map_or(Identity::ip(), |user| Identity::new(user.as_bytes()))
}

fn redis() -> Backend {
    midnight().0
}

traffik::throttles! {
    defaults(backend = redis(), headers = both);    // optional: for every throttle of this block

    /// Short bursts.
    pub throttle Burst(rate = "10/minute");
    /// Steady use.
    pub throttle Sustained(rate = "1000/hour", strategy = sliding_counter, identifier = user_id);
    /// Password guesses: exact, and closed when Redis is away.
    pub(crate) throttle Login(rate = "5/15 minutes", strategy = sliding_log, on_error = throttle);
}

traffik::throttles! {
    throttle A(rate = "10/minute");
    throttle B(rate = "1/minute");
}

#[throttled(Burst, Sustained)] // both or neither: one atomic decision, one round trip
async fn data() -> Json<Data> {
    Json(json!({}))
}

type Api = (Burst, Sustained);

#[tokio::test]
async fn reports_decisions_and_stats() -> Result<(), Error> {
    let (backend, _) = midnight();
    let parts = head(&backend);
    let decision: Decision = Burst::hit(&parts).await?; // cost from the definition
    assert!(decision.admitted && decision.remaining == 9);
    let decision = Burst::hit_cost(&parts, 5).await?;
    assert_eq!(decision.remaining, 4);
    let enough: bool = Burst::check(&parts, 5).await?; // takes nothing
    assert!(!enough);
    let stat: Stat<_> = Burst::stat(&parts).await?; // takes nothing
    let mut response: Response = ().into_response();
    response
        .headers_mut()
        .extend(stat.headers(HeaderStyle::Both));
    assert_eq!(response.headers()["ratelimit"], "\"Burst\";r=4;t=60");
    assert_eq!(response.headers()["x-ratelimit-remaining"], "4");
    assert!(stat.uid.ends_with("::Burst"));
    assert_eq!(stat.rate, "10/minute".parse().unwrap());
    assert_eq!(
        (stat.hits_remaining, stat.wait),
        (4, Some(std::time::Duration::ZERO))
    );
    assert_eq!(stat.reset.as_secs(), 60);
    assert_eq!(stat.metadata.window_start_ms % 60_000, 0);
    assert_eq!(serde_json::to_value(&stat).unwrap()["hits_remaining"], 4);
    let (burst, sustained) = Api::stat(&parts).await?;
    assert_eq!((burst.hits_remaining, sustained.hits_remaining), (4, 1_000));
    assert!(Login::hit_cost(&parts, 5).await?.admitted);
    Ok(())
}

#[tokio::test]
async fn charges_both_throttles_or_neither() {
    let server = Server::start(Router::new().route("/", get(data))).await;
    let first = server.get("/").await;
    assert_eq!(first.status, 200);
    assert_eq!(first.policies.len(), 2);
    assert!(first.field("x-ratelimit-limit").is_some());
}

#[tokio::test]
async fn commits_a_quota_of_several_hits() -> Result<(), Error> {
    let (backend, _) = midnight();
    let parts = head(&backend);
    let decision = Quota::new(&parts).add::<A>(2).add::<B>(1).commit().await?;
    assert!(decision.admitted);
    let decision = Quota::new(&parts).add::<A>(2).add::<B>(1).commit().await?;
    assert!(!decision.admitted);
    assert_eq!(A::stat(&parts).await?.hits_remaining, 8);
    let _ = provide(backend);
    Ok(())
}
