//! Pings, pongs and closes are free.

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws;
use axum::response::Response;
use axum::routing::get;
use tokio_tungstenite::tungstenite::Message;
use traffik::{Limiter, provide};
use traffik_tests::{Server, midnight};

use super::Client;

traffik::throttles! {
    throttle Few(rate = "2/minute");
}

/// Replies to a text with the number of control messages so far.
async fn counted(upgrade: WebSocketUpgrade, limiter: Limiter<Few>) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        let mut socket = limiter.guard(socket);
        let mut controls = 0;
        while let Some(Ok(message)) = socket.recv().await {
            match message {
                ws::Message::Text(_) | ws::Message::Binary(_) => {
                    let count = ws::Message::text(format!("{controls}"));
                    socket.send(count).await.unwrap();
                }
                _ => controls += 1,
            }
        }
    })
}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(counted));
    Server::start(app.layer(provide(backend))).await
}

async fn ping(client: &mut Client, times: usize) {
    for _ in 0..times {
        client.send(Message::Ping("payload".into())).await;
        let pong = Message::Pong("payload".into());
        assert_eq!(client.hear().await, Some(pong));
    }
}

#[tokio::test]
async fn delivers_control_messages_without_charging() {
    let server = serve().await;
    let mut client = Client::connect(&server, "/").await;
    ping(&mut client, 50).await;
    client.send(Message::Pong("unsolicited".into())).await;
    assert_eq!(client.exchange("how many?").await, "51");
    client.send(vec![1, 2, 3]).await;
    assert_eq!(client.text().await, "51");
    // No unit remains for messages, and control messages are still delivered.
    assert!(client.exchange("how many?").await.contains("rate_limit"));
    ping(&mut client, 50).await;
}

#[tokio::test]
async fn accepts_a_close_over_the_limit() {
    let server = serve().await;
    let mut client = Client::connect(&server, "/").await;
    for _ in 0..5 {
        client.exchange("text").await;
    }
    client.send(Message::Close(None)).await;
    assert_eq!(client.hear().await, Some(Message::Close(None)));
    assert_eq!(client.hear().await, None);
}
