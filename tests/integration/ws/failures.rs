//! The store fails, and the throttle's `on_error` decides about messages.

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
    /// The default policy.
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
async fn closes_with_1013_when_raised() {
    let (server, store) = serve().await;
    for trouble in [Fault::Refuse, Fault::TimeOut, Fault::Hang] {
        let mut client = Client::connect(&server, "/raising").await;
        store.heal();
        store.fail(trouble);
        client.send("text").await;
        let close = client.closed().await;
        assert_eq!(close, (1013, "try again later".to_owned()), "{trouble:?}");
    }
}

#[tokio::test]
async fn delivers_all_messages_when_allowed() {
    let (server, store) = serve().await;
    let mut client = Client::connect(&server, "/allowing").await;
    store.fail(Fault::Refuse);
    for _ in 0..5 {
        assert_eq!(client.exchange("text").await, "text");
    }
    store.heal();
    assert_eq!(client.exchange("one").await, "one");
    assert_eq!(client.exchange("two").await, "two");
    assert!(client.exchange("three").await.contains("rate_limit"));
}

#[tokio::test]
async fn refuses_and_keeps_the_connection_when_throttled() {
    let (server, store) = serve().await;
    let notice = r#"{"type":"rate_limit","error":"Too many messages","retry_after":1,"retry_after_ms":1000}"#;
    for path in ["/throttling", "/silent"] {
        store.heal();
        let mut client = Client::connect(&server, path).await;
        assert_eq!(client.exchange("one").await, "one");
        store.fail(Fault::Refuse);
        for _ in 0..3 {
            assert_eq!(client.exchange("text").await, notice);
        }
        store.heal();
        assert_eq!(client.exchange("two").await, "two");
    }
}

#[tokio::test]
async fn passes_the_failure_to_a_custom_policy() {
    let (server, store) = serve().await;
    let mut client = Client::connect(&server, "/custom").await;
    store.fail(Fault::Refuse);
    let close = client.exchange("text").await;
    assert!(close.starts_with("decided: false, by "), "{close}");
    assert!(close.ends_with("Throttling"), "{close}");
}

#[tokio::test]
async fn times_out_on_a_store_that_hangs() {
    let (server, store) = serve().await;
    let mut client = Client::connect(&server, "/throttling").await;
    store.fail(Fault::Hang);
    let close = tokio::time::timeout(Duration::from_secs(10), client.exchange("text")).await;
    assert!(close.unwrap().contains("rate_limit"));
}
