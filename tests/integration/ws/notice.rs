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
    throttle Spread(rate = "1/minute", min_wait = "90s", spread = "3s");
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

async fn spread(ws: WebSocketUpgrade, limiter: Limiter<Spread>) -> Response {
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
        .route("/costly", get(costly))
        .route("/spread", get(spread));
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

/// H17: no shorter than the least wait, a random part of the spread longer, alike in both numbers.
#[tokio::test]
async fn notices_are_spread() {
    let (backend, _) = midnight();
    let server = serve(backend).await;
    let mut client = Client::connect(&server, "/spread").await;
    assert_eq!(client.ask("one").await, "one");
    let mut told = Vec::new();
    for _ in 0..30 {
        let notice: serde_json::Value = serde_json::from_str(&client.ask("more").await).unwrap();
        let millis = notice["retry_after_ms"].as_u64().unwrap();
        assert_eq!(notice["retry_after"], millis.div_ceil(1_000));
        assert!((90_000..=93_000).contains(&millis), "{millis}");
        told.push(millis);
    }
    told.sort_unstable();
    told.dedup();
    assert!(told.len() > 15, "{told:?}");
}
