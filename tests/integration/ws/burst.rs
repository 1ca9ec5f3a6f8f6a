//! Bursts of messages: as many are delivered as the limit admits, in order.

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::response::Response;
use axum::routing::get;
use traffik::{Limiter, provide};
use traffik_tests::{Server, midnight};

use super::Client;

traffik::throttles! {
    throttle Hundred(rate = "100/minute");
}

async fn echo(ws: WebSocketUpgrade, limiter: Limiter<Hundred>) -> Response {
    ws.on_upgrade(move |socket| async move {
        let mut socket = limiter.guard(socket);
        while let Some(Ok(message)) = socket.recv().await {
            socket.send(message).await.unwrap();
        }
    })
}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(echo));
    Server::start(app.layer(provide(backend))).await
}

/// Returns how many messages are echoed, after asserting that they are the first in order and all
/// others get notices.
async fn talk(mut client: Client, messages: usize) -> usize {
    for number in 0..messages {
        client.murmur(number.to_string()).await;
    }
    client.flush().await;
    let mut back = 0;
    for number in 0..messages {
        let text = client.text().await;
        if text.contains("rate_limit") {
            continue;
        }
        assert_eq!(text, number.to_string(), "responses come in order");
        back += 1;
    }
    back
}

#[tokio::test]
async fn delivers_as_many_messages_as_the_limit_admits() {
    let server = serve().await;
    let client = Client::connect(&server, "/").await;
    assert_eq!(talk(client, 500).await, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn shares_the_limit_among_connections_of_one_client() {
    let server = serve().await;
    let mut talks = Vec::new();
    for _ in 0..8 {
        let client = Client::connect(&server, "/").await;
        talks.push(tokio::spawn(talk(client, 200)));
    }
    let mut back = 0;
    for talk in talks {
        back += talk.await.unwrap();
    }
    assert_eq!(back, 100);
}
