//! A page, and two sockets that echo the messages they admit.

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::WebSocket;
use axum::response::{Html, Response};
use axum::routing::get;
use traffik::ws::Guard;
use traffik::{Limiter, WsPolicy, throttled, throttles};

throttles! {
    /// Messages of all connections of an address together.
    throttle Messages(rate = "10/minute");
}

/// Limits the handshake too: a client that connects too often gets 429 and no socket.
#[throttled(rate = "30/minute")]
async fn chat(ws: WebSocketUpgrade, limiter: Limiter<Messages>) -> Response {
    ws.on_upgrade(move |socket| echo(limiter.guard(socket)))
}

/// Closes the connection of a client that sends too much.
#[throttled(rate = "30/minute")]
async fn strict(ws: WebSocketUpgrade, limiter: Limiter<Messages>) -> Response {
    ws.on_upgrade(move |socket| echo(limiter.guard(socket).on_throttled(WsPolicy::Close)))
}

async fn echo(mut socket: Guard<WebSocket>) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

pub(crate) fn app() -> Router {
    Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .route("/chat", get(chat))
        .route("/strict", get(strict))
}
