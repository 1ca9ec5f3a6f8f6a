//! What is over the limit is dropped and answered; the connection stays.

use std::time::Duration;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::response::Response;
use axum::routing::get;
use traffik::{Backend, Limiter, Throttle as _, provide, throttled};
use traffik_tests::{Server, head, midnight, peer};

use super::Client;

traffik::throttles! {
    throttle ChatMessages(rate = "3/10s");
    throttle Loud(rate = "2/minute");
    throttle Costly(rate = "3/minute", cost = 2);
}

#[throttled(rate = "10/minute")]
async fn chat(ws: WebSocketUpgrade, limiter: Limiter<ChatMessages>) -> Response {
    ws.on_upgrade(move |socket| async move {
        let mut socket = limiter.guard(socket);
        while let Some(Ok(message)) = socket.recv().await {
            socket.send(message).await.unwrap();
        }
    })
}

async fn set(ws: WebSocketUpgrade, limiter: Limiter<(ChatMessages, Loud)>) -> Response {
    ws.on_upgrade(move |socket| async move {
        let mut socket = limiter.guard(socket);
        while let Some(Ok(message)) = socket.recv().await {
            socket.send(message).await.unwrap();
        }
    })
}

async fn costly(ws: WebSocketUpgrade, limiter: Limiter<Costly>) -> Response {
    ws.on_upgrade(move |socket| async move {
        let mut socket = limiter.guard(socket);
        while let Some(Ok(message)) = socket.recv().await {
            socket.send(message).await.unwrap();
        }
    })
}

async fn serve(backend: Backend) -> Server {
    let app = Router::new()
        .route("/", get(chat))
        .route("/set", get(set))
        .route("/costly", get(costly));
    Server::start(app.layer(provide(backend))).await
}

const NOTICE: &str =
    r#"{"type":"rate_limit","error":"Too many messages","retry_after":3,"retry_after_ms":2417}"#;

#[tokio::test]
async fn the_client_is_told_when_to_try_again_and_stays() {
    let (backend, clock) = midnight();
    let server = serve(backend).await;
    let mut client = Client::connect(&server, "/").await;
    clock.advance(Duration::from_millis(7_583));
    for text in ["one", "two", "three"] {
        assert_eq!(client.ask(text).await, text);
    }
    for _ in 0..5 {
        assert_eq!(client.ask("more").await, NOTICE);
    }
    // Told to wait, it waits, and is heard again.
    clock.advance(Duration::from_micros(2_416_999));
    let almost =
        r#"{"type":"rate_limit","error":"Too many messages","retry_after":1,"retry_after_ms":1}"#;
    assert_eq!(client.ask("more").await, almost);
    clock.advance(Duration::from_micros(1));
    for text in ["four", "five", "six"] {
        assert_eq!(client.ask(text).await, text);
    }
}

#[tokio::test]
async fn what_is_refused_costs_nothing() {
    let (backend, _) = midnight();
    let server = serve(backend.clone()).await;
    let mut client = Client::connect(&server, "/").await;
    for _ in 0..9 {
        client.ask("text").await;
    }
    let mut parts = head(&backend);
    parts.extensions.insert(peer("127.0.0.1:1"));
    let stat = ChatMessages::stat(&parts).await.unwrap();
    assert_eq!(stat.hits_remaining, 0);
    // The handshake has its own limit.
    assert_eq!(chat::stat(&parts).await.unwrap().hits_remaining, 9);
}

#[tokio::test]
async fn in_a_set_all_count_or_none() {
    let (backend, clock) = midnight();
    let server = serve(backend.clone()).await;
    let mut client = Client::connect(&server, "/set").await;
    assert_eq!(client.ask("one").await, "one");
    assert_eq!(client.ask("two").await, "two");
    clock.advance(Duration::from_millis(4));
    let told = client.ask("three").await;
    assert!(
        told.ends_with(r#""retry_after":60,"retry_after_ms":59996}"#),
        "{told}"
    );
    let mut parts = head(&backend);
    parts.extensions.insert(peer("127.0.0.1:1"));
    let left = ChatMessages::stat(&parts).await.unwrap().hits_remaining;
    assert_eq!(left, 1);
}

#[tokio::test]
async fn a_message_costs_what_the_throttle_says() {
    let (backend, _) = midnight();
    let server = serve(backend).await;
    let mut client = Client::connect(&server, "/costly").await;
    assert_eq!(client.ask("two of three").await, "two of three");
    assert!(client.ask("two of one").await.contains("rate_limit"));
}
