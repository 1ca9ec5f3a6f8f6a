//! The body of a refused request is not read.

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

/// A body that records whether it was polled.
struct WatchedBody {
    polled: Arc<AtomicBool>,
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.polled.store(true, Ordering::SeqCst);
        Poll::Ready(None)
    }
}

/// Returns the response, and whether the body was polled.
async fn sent(app: &Router) -> (TestResponse, bool) {
    let polled = Arc::new(AtomicBool::new(false));
    let body = Body::new(WatchedBody {
        polled: polled.clone(),
    });
    let request = Request::post("/").extension(peer(PEER)).body(body).unwrap();
    let response = TestResponse::read(app.clone().oneshot(request).await.unwrap()).await;
    (response, polled.load(Ordering::SeqCst))
}

#[tokio::test]
async fn reads_the_body_of_an_admitted_request_only() {
    let app = app();
    let (admitted, polled) = sent(&app).await;
    assert_eq!((admitted.status, polled), (200, true));
    for _ in 0..3 {
        let (refused, polled) = sent(&app).await;
        assert_eq!((refused.status, polled), (429, false));
    }
}

#[tokio::test]
async fn does_not_read_a_body_that_is_too_large() {
    let server = Server::start(app()).await;
    // The body is larger than axum's limit for a `String`.
    assert_eq!(server.post("/", "x".repeat(3_000_000)).await.status, 413);
    assert_eq!(server.post("/", "x").await.status, 429);
}

#[tokio::test]
async fn refuses_a_client_that_never_sends_its_body() {
    let server = Server::start(app()).await;
    assert_eq!(server.post("/", "four").await.body, "4 bytes");
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 1000000\r\n\r\n";
    socket.write_all(head).await.unwrap();
    let mut start = [0; 13];
    // If the server waited for the body, it would wait for ever; the timeout turns that into a
    // failure.
    let read = timeout(Duration::from_secs(30), socket.read_exact(&mut start)).await;
    read.expect("the refusal waits for no body").unwrap();
    assert_eq!(&start, b"HTTP/1.1 429 ");
}
