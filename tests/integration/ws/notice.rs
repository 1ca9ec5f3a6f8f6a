//! Messages over the limit are dropped and get a notice; the connection stays open.

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
async fn sends_the_wait_and_keeps_the_connection() {
    let (backend, clock) = midnight();
    let server = serve(backend).await;
    let mut client = Client::connect(&server, "/").await;
    clock.advance(Duration::from_millis(7_583));
    for text in ["one", "two", "three"] {
        assert_eq!(client.exchange(text).await, text);
    }
    for _ in 0..5 {
        assert_eq!(client.exchange("more").await, NOTICE);
    }
    // The client waits as the notice demands, and its messages are accepted again.
    clock.advance(Duration::from_micros(2_416_999));
    let almost =
        r#"{"type":"rate_limit","error":"Too many messages","retry_after":1,"retry_after_ms":1}"#;
    assert_eq!(client.exchange("more").await, almost);
    clock.advance(Duration::from_micros(1));
    for text in ["four", "five", "six"] {
        assert_eq!(client.exchange(text).await, text);
    }
}

#[tokio::test]
async fn does_not_charge_refused_messages() {
    let (backend, _) = midnight();
    let server = serve(backend.clone()).await;
    let mut client = Client::connect(&server, "/").await;
    for _ in 0..9 {
        client.exchange("text").await;
    }
    let mut parts = head(&backend);
    parts.extensions.insert(peer("127.0.0.1:1"));
    let stat = ChatMessages::stat(&parts).await.unwrap();
    assert_eq!(stat.hits_remaining, 0);
    // The handshake has its own limit.
    assert_eq!(chat::stat(&parts).await.unwrap().hits_remaining, 9);
}

#[tokio::test]
async fn charges_all_members_of_a_set_or_none() {
    let (backend, clock) = midnight();
    let server = serve(backend.clone()).await;
    let mut client = Client::connect(&server, "/set").await;
    assert_eq!(client.exchange("one").await, "one");
    assert_eq!(client.exchange("two").await, "two");
    clock.advance(Duration::from_millis(4));
    let notice = client.exchange("three").await;
    assert!(
        notice.ends_with(r#""retry_after":60,"retry_after_ms":59996}"#),
        "{notice}"
    );
    let mut parts = head(&backend);
    parts.extensions.insert(peer("127.0.0.1:1"));
    let left = ChatMessages::stat(&parts).await.unwrap().hits_remaining;
    assert_eq!(left, 1);
}

#[tokio::test]
async fn charges_the_cost_of_the_throttle() {
    let (backend, _) = midnight();
    let server = serve(backend).await;
    let mut client = Client::connect(&server, "/costly").await;
    assert_eq!(client.exchange("two of three").await, "two of three");
    assert!(client.exchange("two of one").await.contains("rate_limit"));
}

/// `min_wait` is respected, and the spread adds a random part, equal in both numbers (H17).
#[tokio::test]
async fn spreads_the_waits_of_notices() {
    let (backend, _) = midnight();
    let server = serve(backend).await;
    let mut client = Client::connect(&server, "/spread").await;
    assert_eq!(client.exchange("one").await, "one");
    let mut waits = Vec::new();
    for _ in 0..30 {
        let notice: serde_json::Value =
            serde_json::from_str(&client.exchange("more").await).unwrap();
        let millis = notice["retry_after_ms"].as_u64().unwrap();
        assert_eq!(notice["retry_after"], millis.div_ceil(1_000));
        assert!((90_000..=93_000).contains(&millis), "{millis}");
        waits.push(millis);
    }
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 15, "{waits:?}");
}
