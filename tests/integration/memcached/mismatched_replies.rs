//! Servers whose replies do not match the requests: they are not trusted, and never become the
//! reply to another request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use traffik::{Backend, ErrorKind};

use super::settings;

/// A reply of a fake server to a line, from the line and its opaque number.
type Reply = fn(line: &str, opaque: &str) -> String;

/// Returns a backend on a fake server with these replies, and the number of its connections.
async fn serve(reply: Reply) -> (Backend, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::<AtomicUsize>::default();
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let opaque = line.rsplit_once(" O").map_or("", |(_, opaque)| opaque);
                    let reply = reply(&line, opaque);
                    if write.write_all(reply.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    let backend = settings(address)
        .pool_size(1)
        .timeout(Duration::from_millis(300))
        .lazy();
    (backend, connections)
}

fn correct(_: &str, opaque: &str) -> String {
    format!("VA 2 c1 t-1 f0 O{opaque}\r\nhi\r\n")
}

#[tokio::test]
async fn accepts_correct_replies() {
    let (backend, connections) = serve(correct).await;
    for _ in 0..5 {
        assert_eq!(
            backend.get("key").await.unwrap().as_deref(),
            Some(&b"hi"[..])
        );
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// Each such connection is closed at once, and the next request uses a new one.
#[tokio::test]
async fn rejects_replies_to_other_requests() {
    let replies: [Reply; 12] = [
        |_, _| "VA 2 c1 t-1 f0 O1\r\nhi\r\n".to_owned(),
        |_, _| "VA 2 c1 t-1 f0\r\nhi\r\n".to_owned(),
        |_, _| "HD\r\n".to_owned(),
        |_, _| "VALUE key 0 2\r\nhi\r\nEND\r\n".to_owned(),
        |_, _| "\r\n".to_owned(),
        |_, _| "x".repeat(10_000),
        |_, opaque| format!("VA x O{opaque}\r\n"),
        |_, opaque| format!("VA 2 c1 t-1 f0 O{opaque}\r\nhi!!"),
        |_, opaque| format!("VA 2 c1 t-1 f0 O{opaque}0\r\nhi\r\n"),
        // Sizes that none of our values has: the client waits for none of them.
        |_, opaque| format!("VA {} c1 t-1 f0 O{opaque}\r\nhi\r\n", usize::MAX),
        |_, opaque| format!("VA {} c1 t-1 f0 O{opaque}\r\nhi\r\n", u32::MAX),
        |_, opaque| format!("VA {} c1 t-1 f0 O{opaque}\r\nhi\r\n", (16 << 20) + 1),
    ];
    for (place, reply) in replies.into_iter().enumerate() {
        let (backend, connections) = serve(reply).await;
        for requests in 1..=3 {
            let error = backend.get("key").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection, "{place}: {error}");
            assert!(error.may_have_counted(), "{place}: {error}");
            assert_eq!(connections.load(Ordering::SeqCst), requests, "{place}");
        }
    }
}

/// A reply too many belongs to no request.
#[tokio::test]
async fn rejects_surplus_replies() {
    let twice: Reply = |line, opaque| correct(line, opaque).repeat(2);
    let (backend, connections) = serve(twice).await;
    for requests in 1..=3 {
        let value = backend.get("key").await.unwrap();
        assert_eq!(value.as_deref(), Some(&b"hi"[..]));
        assert_eq!(connections.load(Ordering::SeqCst), requests);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The server reports a failure; the caller gets it, and nothing remains on the connection.
#[tokio::test]
async fn reports_errors_of_the_server() {
    let replies: [(Reply, ErrorKind, bool); 6] = [
        (|_, _| "ERROR\r\n".to_owned(), ErrorKind::Backend, true),
        (
            |_, _| "CLIENT_ERROR bad\r\nERROR\r\n".to_owned(),
            ErrorKind::Backend,
            true,
        ),
        (
            |_, _| "SERVER_ERROR object too large for cache\r\n".to_owned(),
            ErrorKind::Backend,
            true,
        ),
        (
            |_, _| "SERVER_ERROR out of memory\r\n".to_owned(),
            ErrorKind::Connection,
            false,
        ),
        (
            |_, _| "ERROR Too many open connections\r\n".to_owned(),
            ErrorKind::Connection,
            false,
        ),
        // An error of a proxy, which may have forwarded the request.
        (
            |_, _| "SERVER_ERROR backend failure\r\n".to_owned(),
            ErrorKind::Connection,
            true,
        ),
    ];
    for (reply, kind, may_have_counted) in replies {
        let (backend, connections) = serve(reply).await;
        for requests in 1..=3 {
            let error = backend.get("key").await.unwrap_err();
            assert_eq!(
                (error.kind(), error.may_have_counted()),
                (kind, may_have_counted),
                "{error}"
            );
            assert_eq!(connections.load(Ordering::SeqCst), requests);
        }
    }
}

/// Half a reply counts as none.
#[tokio::test]
async fn rejects_a_reply_that_never_ends() {
    let half: Reply = |_, opaque| format!("VA 100 c1 t-1 f0 O{opaque}\r\nhi");
    let (backend, connections) = serve(half).await;
    for requests in 1..=2 {
        let error = backend.get("key").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(connections.load(Ordering::SeqCst), requests);
    }
}

/// A server could store such a value, and the backend would never read it again.
#[tokio::test]
async fn refuses_to_write_what_it_would_not_read() {
    let (backend, connections) = serve(correct).await;
    let large = vec![b'x'; (16 << 20) + 1];
    let error = backend.set("key", &large, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend, "{error}");
    assert!(connections.load(Ordering::SeqCst) <= 1);
}
