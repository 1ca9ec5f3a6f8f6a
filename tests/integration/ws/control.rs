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

/// Answers a text with how many control messages it has seen so far.
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
        client.say(Message::Ping("payload".into())).await;
        let pong = Message::Pong("payload".into());
        assert_eq!(client.hear().await, Some(pong));
    }
}

#[tokio::test]
async fn they_take_nothing_and_arrive() {
    let server = serve().await;
    let mut client = Client::connect(&server, "/").await;
    ping(&mut client, 50).await;
    client.say(Message::Pong("unasked".into())).await;
    assert_eq!(client.ask("how many?").await, "51");
    client.say(vec![1, 2, 3]).await;
    assert_eq!(client.text().await, "51");
    // Nothing is left for messages, and all the same for the others.
    assert!(client.ask("how many?").await.contains("rate_limit"));
    ping(&mut client, 50).await;
}

#[tokio::test]
async fn over_the_limit_a_client_can_still_say_good_bye() {
    let server = serve().await;
    let mut client = Client::connect(&server, "/").await;
    for _ in 0..5 {
        client.ask("text").await;
    }
    client.say(Message::Close(None)).await;
    assert_eq!(client.hear().await, Some(Message::Close(None)));
    assert_eq!(client.hear().await, None);
}
