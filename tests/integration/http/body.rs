//! A refused client's body is never read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::routing::post;
use http::Request;
use http_body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::ServiceExt as _;
use traffik::{provide, throttled};
use traffik_tests::{PEER, Server, TestResponse, midnight, peer};

#[throttled(rate = "1/minute")]
async fn upload(body: String) -> String {
    format!("{} bytes", body.len())
}

fn app() -> Router {
    let (backend, _) = midnight();
    Router::new()
        .route("/", post(upload))
        .layer(provide(backend))
}

/// A body that remembers whether anybody asked for it.
struct Watched {
    asked: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.asked.store(true, Ordering::SeqCst);
        Poll::Ready(None)
    }
}

/// What the app answers, and whether it asked for the body.
async fn sent(app: &Router) -> (TestResponse, bool) {
    let asked = Arc::new(AtomicBool::new(false));
    let body = Body::new(Watched {
        asked: asked.clone(),
    });
    let request = Request::post("/").extension(peer(PEER)).body(body).unwrap();
    let response = TestResponse::read(app.clone().oneshot(request).await.unwrap()).await;
    (response, asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn the_body_of_an_admitted_request_is_read_and_that_of_a_refused_one_is_not() {
    let app = app();
    let (admitted, asked) = sent(&app).await;
    assert_eq!((admitted.status, asked), (200, true));
    for _ in 0..3 {
        let (refused, asked) = sent(&app).await;
        assert_eq!((refused.status, asked), (429, false));
    }
}

#[tokio::test]
async fn a_body_that_would_be_too_large_is_not_looked_at_either() {
    let server = Server::start(app()).await;
    // Larger than what axum lets into a `String`.
    assert_eq!(server.post("/", "x".repeat(3_000_000)).await.status, 413);
    assert_eq!(server.post("/", "x").await.status, 429);
}

#[tokio::test]
async fn a_client_that_announces_a_body_and_never_sends_it_is_refused_at_once() {
    let server = Server::start(app()).await;
    assert_eq!(server.post("/", "four").await.body, "4 bytes");
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 1000000\r\n\r\n";
    socket.write_all(head).await.unwrap();
    let mut start = [0; 13];
    // Were the body waited for, nothing would ever come; the limit only makes that a failure.
    let read = timeout(Duration::from_secs(30), socket.read_exact(&mut start)).await;
    read.expect("the refusal waits for no body").unwrap();
    assert_eq!(&start, b"HTTP/1.1 429 ");
}
