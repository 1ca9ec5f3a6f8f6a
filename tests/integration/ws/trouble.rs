//! The store fails, and the throttle's `on_error` says what becomes of messages.

use std::time::Duration;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::response::Response;
use axum::routing::get;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, Limiter, Throttle, WsPolicy, provide};
use traffik_tests::Server;

use super::Client;

traffik::throttles! {
    throttle Raising(rate = "2/hour", on_error = raise, timeout = "50ms");
    throttle Allowing(rate = "2/hour", on_error = allow);
    throttle Throttling(rate = "2/hour", on_error = throttle);
    /// As nothing else is said.
    throttle Silent(rate = "2/hour");
}

async fn echo<T: Throttle>(ws: WebSocketUpgrade, limiter: Limiter<T>) -> Response {
    ws.on_upgrade(move |socket| async move {
        let mut socket = limiter.guard(socket);
        while let Some(Ok(message)) = socket.recv().await {
            let _ = socket.send(message).await;
        }
    })
}

async fn custom(ws: WebSocketUpgrade, limiter: Limiter<Throttling>) -> Response {
    ws.on_upgrade(move |socket| async move {
        let policy = WsPolicy::custom(|refused| {
            let decided = refused.decision().decided;
            traffik::ws::Action::Notify(format!("decided: {decided}, by {}", refused.uid()))
        });
        let mut socket = limiter.guard(socket).on_throttled(policy);
        while let Some(Ok(message)) = socket.recv().await {
            let _ = socket.send(message).await;
        }
    })
}

async fn serve() -> (Server, FlakyStore) {
    let store = FlakyStore::new();
    let app = Router::new()
        .route("/raising", get(echo::<Raising>))
        .route("/allowing", get(echo::<Allowing>))
        .route("/throttling", get(echo::<Throttling>))
        .route("/silent", get(echo::<Silent>))
        .route("/custom", get(custom))
        .layer(provide(Backend::custom(store.clone())));
    (Server::start(app).await, store)
}

#[tokio::test]
async fn to_raise_closes_with_1013() {
    let (server, store) = serve().await;
    for trouble in [Fault::Refuse, Fault::TimeOut, Fault::Hang] {
        let mut client = Client::connect(&server, "/raising").await;
        store.heal();
        store.fail(trouble);
        client.say("text").await;
        let told = client.closed().await;
        assert_eq!(told, (1013, "try again later".to_owned()), "{trouble:?}");
    }
}

#[tokio::test]
async fn to_allow_delivers_all_and_counts_none() {
    let (server, store) = serve().await;
    let mut client = Client::connect(&server, "/allowing").await;
    store.fail(Fault::Refuse);
    for _ in 0..5 {
        assert_eq!(client.ask("text").await, "text");
    }
    store.heal();
    assert_eq!(client.ask("one").await, "one");
    assert_eq!(client.ask("two").await, "two");
    assert!(client.ask("three").await.contains("rate_limit"));
}

#[tokio::test]
async fn to_throttle_refuses_and_keeps_the_connection() {
    let (server, store) = serve().await;
    let notice = r#"{"type":"rate_limit","error":"Too many messages","retry_after":1,"retry_after_ms":1000}"#;
    for path in ["/throttling", "/silent"] {
        store.heal();
        let mut client = Client::connect(&server, path).await;
        assert_eq!(client.ask("one").await, "one");
        store.fail(Fault::Refuse);
        for _ in 0..3 {
            assert_eq!(client.ask("text").await, notice);
        }
        store.heal();
        assert_eq!(client.ask("two").await, "two");
    }
}

#[tokio::test]
async fn a_policy_of_ones_own_can_tell() {
    let (server, store) = serve().await;
    let mut client = Client::connect(&server, "/custom").await;
    store.fail(Fault::Refuse);
    let told = client.ask("text").await;
    assert!(told.starts_with("decided: false, by "), "{told}");
    assert!(told.ends_with("Throttling"), "{told}");
}

#[tokio::test]
async fn a_store_that_hangs_holds_nobody_up_for_long() {
    let (server, store) = serve().await;
    let mut client = Client::connect(&server, "/throttling").await;
    store.fail(Fault::Hang);
    let told = tokio::time::timeout(Duration::from_secs(10), client.ask("text")).await;
    assert!(told.unwrap().contains("rate_limit"));
}
