//! Costs of messages.

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::Message;
use axum::response::Response;
use axum::routing::get;
use traffik::{Limiter, provide, ws};
use traffik_tests::{Server, midnight};

use super::Client;

traffik::throttles! {
    throttle Bytes(rate = "2_000_000/hour");
    throttle Priced(rate = "6/minute");
}

async fn bytes(upgrade: WebSocketUpgrade, limiter: Limiter<Bytes>) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        let mut socket = limiter.guard(socket).cost(ws::bytes);
        while let Some(Ok(message)) = socket.recv().await {
            let length = ws::bytes(&message).to_string();
            socket.send(Message::text(length)).await.unwrap();
        }
    })
}

async fn priced(upgrade: WebSocketUpgrade, limiter: Limiter<Priced>) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        let mut socket = limiter.guard(socket).cost(|message| match message {
            Message::Text(text) if text.as_str() == "heartbeat" => Ok(0_u8),
            Message::Text(text) => text.parse().map_err(|_| "no price"),
            _ => Ok(5),
        });
        while let Some(Ok(message)) = socket.recv().await {
            let _ = socket.send(message).await;
        }
    })
}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/bytes", get(bytes))
        .route("/priced", get(priced));
    Server::start(app.layer(provide(backend))).await
}

#[tokio::test]
async fn charges_millions_of_bytes() {
    let server = serve().await;
    let mut client = Client::connect(&server, "/bytes").await;
    client.send(vec![0; 1_000_000]).await;
    assert_eq!(client.text().await, "1000000");
    assert_eq!(client.exchange(&"a".repeat(999_999)).await, "999999");
    let refused = r#"{"type":"rate_limit","error":"Too many messages","retry_after":3600,"retry_after_ms":3600000}"#;
    assert_eq!(client.exchange("two").await, refused);
    assert_eq!(client.exchange("1").await, "1");
    assert_eq!(client.exchange("").await, "0");
    // More than the limit ever admits: waiting is useless.
    client.send(vec![0; 2_000_001]).await;
    let never = r#"{"type":"rate_limit","error":"Too many messages"}"#;
    assert_eq!(client.text().await, never);
}

#[tokio::test]
async fn accepts_any_unsigned_integer_as_a_cost() {
    let server = serve().await;
    let mut client = Client::connect(&server, "/priced").await;
    assert_eq!(client.exchange("4").await, "4");
    assert!(client.exchange("3").await.contains("rate_limit"));
    for _ in 0..20 {
        assert_eq!(client.exchange("heartbeat").await, "heartbeat");
    }
    assert_eq!(client.exchange("2").await, "2");
    assert!(client.exchange("1").await.contains("rate_limit"));
}

#[tokio::test]
async fn reports_a_missing_cost() {
    let server = serve().await;
    let mut client = Client::connect(&server, "/priced").await;
    assert_eq!(client.exchange("1").await, "1");
    client.send("priceless").await;
    assert_eq!(client.closed().await, (1011, "internal error".to_owned()));
}
