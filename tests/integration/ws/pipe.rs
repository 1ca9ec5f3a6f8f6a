//! Sockets at the ends of an in-memory pipe, for a runtime with a paused clock.

use axum::extract::FromRequestParts as _;
use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use traffik::ws::Guard;
use traffik::{Backend, Limiter, Throttle};
use traffik_tests::head;

pub(super) type End = WebSocketStream<DuplexStream>;

/// Creates the server's end and the client's, with this many bytes of room between them.
async fn pipe(room: usize) -> (End, End) {
    let (server, client) = duplex(room);
    let server = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
    let client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
    (server, client)
}

/// Creates a guard at the server's end, and the client's end.
pub(super) async fn server_side<T: Throttle>(backend: &Backend, room: usize) -> (Guard<End>, End) {
    let (server, client) = pipe(room).await;
    let mut parts = head(backend);
    let limiter = Limiter::<T>::from_request_parts(&mut parts, &()).await;
    (limiter.unwrap().guard(server), client)
}
