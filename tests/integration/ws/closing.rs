//! `WsPolicy::close`: a client over the limit gets a notice and is disconnected.

use std::time::Duration;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::response::Response;
use axum::routing::get;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use traffik::{Limiter, WsPolicy, provide};
use traffik_tests::{Server, midnight};

use super::{Client, server_side};

traffik::throttles! {
    throttle Strict(rate = "3/minute");
}

const LAST: &str =
    r#"{"type":"rate_limit","error":"Too many messages","retry_after":60,"retry_after_ms":60000}"#;

/// Reports the number of delivered messages through a channel when the guard ends.
async fn serve(ended: mpsc::UnboundedSender<usize>) -> Server {
    let (backend, _) = midnight();
    let strict = async move |ws: WebSocketUpgrade, limiter: Limiter<Strict>| -> Response {
        ws.on_upgrade(move |socket| async move {
            let mut socket = limiter.guard(socket).on_throttled(WsPolicy::Close);
            let mut delivered = 0;
            while let Some(received) = socket.recv().await {
                let _ = socket.send(received.unwrap()).await;
                delivered += 1;
            }
            assert!(socket.recv().await.is_none(), "it has ended");
            ended.send(delivered).unwrap();
        })
    };
    let app = Router::new().route("/", get(strict));
    Server::start(app.layer(provide(backend))).await
}

#[tokio::test]
async fn sends_a_notice_and_closes_with_1008() {
    let (ended, mut delivered) = mpsc::unbounded_channel();
    let server = serve(ended).await;
    let mut client = Client::connect(&server, "/").await;
    for text in ["one", "two", "three"] {
        assert_eq!(client.exchange(text).await, text);
    }
    assert_eq!(client.exchange("four").await, LAST);
    let (code, reason) = client.closed().await;
    assert_eq!((code, reason.as_str()), (1008, "too many messages"));
    assert_eq!(delivered.recv().await, Some(3));
}

#[tokio::test]
async fn sends_the_reason_to_a_client_that_keeps_sending() {
    let (ended, mut delivered) = mpsc::unbounded_channel();
    let server = serve(ended).await;
    let mut client = Client::connect(&server, "/").await;
    // All messages are sent before the first reply is read.
    for _ in 0..2_000 {
        client.murmur(vec![7; 1_000]).await;
    }
    client.flush().await;
    for _ in 0..3 {
        assert_eq!(client.hear().await, Some(Message::from(vec![7; 1_000])));
    }
    assert_eq!(client.text().await, LAST);
    assert_eq!(client.closed().await.0, 1008);
    assert_eq!(delivered.recv().await, Some(3));
}

#[tokio::test(start_paused = true)]
async fn does_not_wait_for_a_client_that_never_responds() {
    let (backend, _) = midnight();
    for room in [64, 100_000] {
        let (guard, mut client) = server_side::<Strict>(&backend, room).await;
        let mut guard = guard.on_throttled(WsPolicy::Close);
        let talking = tokio::spawn(async move {
            // This client reads nothing, and so never sees the close frame.
            for _ in 0..4 {
                client.send(Message::text("text")).await.unwrap();
            }
            client
        });
        let start = Instant::now();
        let all = async {
            let mut delivered = 0;
            while let Some(received) = guard.recv().await {
                received.unwrap();
                delivered += 1;
            }
            delivered
        };
        let delivered = timeout(Duration::from_secs(60), all).await.unwrap();
        assert!(delivered <= 3);
        let waited = start.elapsed();
        assert!(waited <= Duration::from_secs(3), "{waited:?}");
        // The notice and the close frame are readable later.
        drop(guard);
        let mut client = talking.await.unwrap();
        if room > 64 {
            assert_eq!(client.next().await.unwrap().unwrap(), Message::text(LAST));
            assert!(client.next().await.unwrap().unwrap().is_close());
        }
    }
}
