//! The handshake has a limit of its own, which refuses it before there is a socket.

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::response::Response;
use axum::routing::get;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use traffik::{provide, throttled};
use traffik_tests::{Server, midnight};

use super::Client;

#[throttled(rate = "2/minute")]
async fn connect(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.recv().await {
            let _ = socket.send(message).await;
        }
    })
}

#[tokio::test]
async fn refuses_the_handshake_with_429() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(connect));
    let server = Server::start(app.layer(provide(backend))).await;
    let mut first = Client::connect(&server, "/").await;
    let mut second = Client::connect(&server, "/").await;
    let third = connect_async(format!("ws://{}/", server.address())).await;
    let Err(Error::Http(response)) = third else {
        panic!("it was not refused: {third:?}");
    };
    assert_eq!(response.status(), 429);
    let field = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(field("retry-after"), "60");
    assert_eq!(field("ratelimit"), r#""connect";r=0;t=60"#);
    // Open connections are not affected.
    assert_eq!(first.exchange("text").await, "text");
    assert_eq!(second.exchange("text").await, "text");
}
