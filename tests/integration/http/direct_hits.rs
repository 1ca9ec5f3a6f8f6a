//! Throttles that code hits directly, without `#[throttled]`.

use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use http::StatusCode;
use traffik::{Throttle, provide, throttled};
use traffik_tests::{Server, head, midnight};

traffik::throttles! {
    throttle Burst(rate = "10/minute", cost = 2);
    throttle Sustained(rate = "15/hour", strategy = token_bucket);
}

type Api = (Burst, Sustained);

#[throttled(rate = "3/minute")]
async fn hello() {}

#[tokio::test]
async fn charges_the_defined_cost_or_an_explicit_one() {
    let (backend, _) = midnight();
    let parts = head(&backend);
    let decision = Burst::hit(&parts).await.unwrap();
    assert_eq!(
        (decision.admitted, decision.limit, decision.remaining),
        (true, 10, 8)
    );
    let decision = Burst::hit_cost(&parts, 5).await.unwrap();
    assert_eq!((decision.admitted, decision.remaining), (true, 3));
    let decision = Burst::hit_cost(&parts, 4).await.unwrap();
    assert_eq!((decision.admitted, decision.remaining), (false, 3));
    assert_eq!(decision.wait, Some(Duration::from_secs(60)));
}

#[tokio::test]
async fn checks_without_charging() {
    let (backend, _) = midnight();
    let parts = head(&backend);
    for _ in 0..3 {
        assert!(Burst::check(&parts, 10).await.unwrap());
        assert!(!Burst::check(&parts, 11).await.unwrap());
    }
    Burst::hit_cost(&parts, 10).await.unwrap();
    assert!(!Burst::check(&parts, 1).await.unwrap());
    assert!(Burst::check(&parts, 0).await.unwrap());
}

#[tokio::test]
async fn hits_and_checks_a_set_as_one() {
    let (backend, clock) = midnight();
    let parts = head(&backend);
    let decision = Api::hit(&parts).await.unwrap();
    // The cost is 2 of 10 and 1 of 15.
    assert_eq!((decision.admitted, decision.remaining), (true, 8));
    assert!(Api::check(&parts, 8).await.unwrap());
    assert!(!Api::check(&parts, 9).await.unwrap());
    assert!(Api::hit_cost(&parts, 8).await.unwrap().admitted);
    let refused = Api::hit_cost(&parts, 7).await.unwrap();
    assert!(!refused.admitted);
    // The end of the minute, or a token every four minutes: the longer wait.
    assert_eq!(refused.wait, Some(Duration::from_secs(240)));
    clock.advance(Duration::from_secs(239));
    assert!(!Api::hit_cost(&parts, 7).await.unwrap().admitted);
    clock.advance(Duration::from_secs(1));
    assert!(Api::hit_cost(&parts, 7).await.unwrap().admitted);
}

#[tokio::test]
async fn shares_a_budget_between_code_and_handlers() {
    let (backend, _) = midnight();
    let server = Server::start(
        Router::new()
            .route("/", get(hello))
            .layer(provide(backend.clone())),
    )
    .await;
    // The address differs from that of the server's client.
    assert!(hello::hit_cost(&head(&backend), 3).await.unwrap().admitted);
    assert_eq!(server.get("/").await.status, 200);
    let mut parts = head(&backend);
    parts.extensions.insert(traffik_tests::peer("127.0.0.1:9"));
    assert_eq!(hello::stat(&parts).await.unwrap().hits_remaining, 2);
    assert!(hello::hit_cost(&parts, 2).await.unwrap().admitted);
    assert_eq!(server.get("/").await.status, 429);
}

/// A handler that hits a throttle when it knows the cost of the request.
async fn by_hand(parts: Parts) -> Result<String, StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let decision = Api::hit_cost(&parts, 4).await.map_err(failed)?;
    if !decision.admitted {
        return Err(StatusCode::TOO_MANY_REQUESTS);
    }
    Ok(decision.remaining.to_string())
}

#[tokio::test]
async fn lets_a_handler_decide() {
    let (backend, _) = midnight();
    let server = Server::start(
        Router::new()
            .route("/", get(by_hand))
            .layer(provide(backend)),
    )
    .await;
    assert_eq!(server.get("/").await.body, "6");
    assert_eq!(server.get("/").await.body, "2");
    assert_eq!(server.get("/").await.status, 429);
}

/// Checks any throttle or set.
async fn enough<T: Throttle>(parts: &Parts) -> bool {
    T::check(parts, 1).await.unwrap()
}

#[tokio::test]
async fn accepts_generic_throttles() {
    let (backend, _) = midnight();
    let parts = head(&backend);
    assert!(
        enough::<Burst>(&parts).await
            && enough::<Api>(&parts).await
            && enough::<(Api, hello)>(&parts).await
    );
    Sustained::hit_cost(&parts, 15).await.unwrap();
    assert!(
        enough::<Burst>(&parts).await
            && !enough::<Api>(&parts).await
            && !enough::<(Api, hello)>(&parts).await
    );
}

#[tokio::test]
async fn returns_futures_that_can_be_spawned() {
    let (backend, _) = midnight();
    let task = tokio::spawn(async move {
        let parts = head(&backend);
        let stat = Api::stat(&parts).await.unwrap();
        (
            Api::hit(&parts).await.unwrap().admitted,
            stat.0.hits_remaining,
        )
    });
    assert_eq!(task.await.unwrap(), (true, 10));
}
