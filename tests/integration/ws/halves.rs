//! A guard is a stream and a sink, whole or split.

use std::time::Duration;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws;
use axum::response::Response;
use axum::routing::get;
use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _, stream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use traffik::{Limiter, provide};
use traffik_tests::{Server, midnight};

use super::{Client, server_side};

traffik::throttles! {
    throttle Three(rate = "3/minute");
}

async fn forwarded(ws: WebSocketUpgrade, limiter: Limiter<Three>) -> Response {
    ws.on_upgrade(move |socket| async move {
        let (sink, stream) = limiter.guard(socket).split();
        let loud = stream.map_ok(|message| match message {
            ws::Message::Text(text) => ws::Message::text(text.to_uppercase()),
            other => other,
        });
        let _ = loud.forward(sink).await;
    })
}

#[tokio::test]
async fn forwards_between_halves() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(forwarded));
    let server = Server::start(app.layer(provide(backend))).await;
    let mut client = Client::connect(&server, "/").await;
    for _ in 0..3 {
        assert_eq!(client.exchange("text").await, "TEXT");
    }
    for _ in 0..3 {
        assert!(client.exchange("text").await.contains("rate_limit"));
    }
}

/// One task receives and another sends; both wait for room, and both continue when there is room.
#[tokio::test(start_paused = true)]
async fn waits_for_room_in_two_tasks() {
    const EACH: usize = 200;
    let (backend, _) = midnight();
    let (guard, client) = server_side::<Three>(&backend, 64).await;
    let (mut sink, mut stream) = guard.split();
    let (mut saying, mut hearing) = client.split();

    let receiving = tokio::spawn(async move {
        let mut received = 0;
        while let Some(Ok(message)) = stream.next().await {
            received += usize::from(message.is_text());
        }
        received
    });
    let sending = tokio::spawn(async move {
        let news = (0..EACH).map(|_| Ok(Message::text("n".repeat(100))));
        sink.send_all(&mut stream::iter(news)).await.unwrap();
        sink
    });
    let talking = tokio::spawn(async move {
        for _ in 0..EACH {
            saying.send(Message::text("text")).await.unwrap();
        }
        saying
    });
    // Until both directions are full, because no side reads.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!sending.is_finished() && !talking.is_finished());

    let heard = async {
        let (mut news, mut notices) = (0, 0);
        while news < EACH || notices < EACH - 3 {
            let text = hearing.next().await.unwrap().unwrap().to_string();
            let is_notice = text.contains("rate_limit");
            notices += usize::from(is_notice);
            news += usize::from(!is_notice);
            // Slowly, so that both tasks wait repeatedly.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(60), heard).await.unwrap();
    drop(sending.await.unwrap());
    let mut saying = talking.await.unwrap();
    saying.close().await.unwrap();
    assert_eq!(receiving.await.unwrap(), 3);
}
