//! Servers that answer what was not asked: what they say is not believed, and never the answer to
//! another question.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use traffik::{Backend, ErrorKind};

use super::settings;

/// What a server of our own answers to a line, and the number that the line carries.
type Answer = fn(line: &str, opaque: &str) -> String;

/// A backend on a server that answers like this, and how often it was connected to.
async fn stranger(answer: Answer) -> (Backend, Arc<AtomicUsize>) {
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
                    let answer = answer(&line, opaque);
                    if write.write_all(answer.as_bytes()).await.is_err() {
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

fn right(_: &str, opaque: &str) -> String {
    format!("VA 2 c1 t-1 f0 O{opaque}\r\nhi\r\n")
}

#[tokio::test]
async fn an_honest_one() {
    let (backend, connections) = stranger(right).await;
    for _ in 0..5 {
        assert_eq!(
            backend.get("key").await.unwrap().as_deref(),
            Some(&b"hi"[..])
        );
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// Each is given up at once, and the next question goes to a new connection.
#[tokio::test]
async fn answers_to_something_else() {
    let answers: [Answer; 12] = [
        |_, _| "VA 2 c1 t-1 f0 O1\r\nhi\r\n".to_owned(),
        |_, _| "VA 2 c1 t-1 f0\r\nhi\r\n".to_owned(),
        |_, _| "HD\r\n".to_owned(),
        |_, _| "VALUE key 0 2\r\nhi\r\nEND\r\n".to_owned(),
        |_, _| "\r\n".to_owned(),
        |_, _| "x".repeat(10_000),
        |_, opaque| format!("VA x O{opaque}\r\n"),
        |_, opaque| format!("VA 2 c1 t-1 f0 O{opaque}\r\nhi!!"),
        |_, opaque| format!("VA 2 c1 t-1 f0 O{opaque}0\r\nhi\r\n"),
        // Sizes that nothing of ours has: none of them is waited for.
        |_, opaque| format!("VA {} c1 t-1 f0 O{opaque}\r\nhi\r\n", usize::MAX),
        |_, opaque| format!("VA {} c1 t-1 f0 O{opaque}\r\nhi\r\n", u32::MAX),
        |_, opaque| format!("VA {} c1 t-1 f0 O{opaque}\r\nhi\r\n", (16 << 20) + 1),
    ];
    for (place, answer) in answers.into_iter().enumerate() {
        let (backend, connections) = stranger(answer).await;
        for asked in 1..=3 {
            let error = backend.get("key").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection, "{place}: {error}");
            assert!(error.may_have_counted(), "{place}: {error}");
            assert_eq!(connections.load(Ordering::SeqCst), asked, "{place}");
        }
    }
}

/// One answer too many is nobody's.
#[tokio::test]
async fn more_answers_than_questions() {
    let twice: Answer = |line, opaque| right(line, opaque).repeat(2);
    let (backend, connections) = stranger(twice).await;
    for asked in 1..=3 {
        let value = backend.get("key").await.unwrap();
        assert_eq!(value.as_deref(), Some(&b"hi"[..]));
        assert_eq!(connections.load(Ordering::SeqCst), asked);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The server says that it could not; who asked is told that, and nothing is left behind.
#[tokio::test]
async fn errors_of_the_server() {
    let answers: [(Answer, ErrorKind, bool); 6] = [
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
        // A proxy's, which may have sent it on.
        (
            |_, _| "SERVER_ERROR backend failure\r\n".to_owned(),
            ErrorKind::Connection,
            true,
        ),
    ];
    for (answer, kind, may_have_counted) in answers {
        let (backend, connections) = stranger(answer).await;
        for asked in 1..=3 {
            let error = backend.get("key").await.unwrap_err();
            assert_eq!(
                (error.kind(), error.may_have_counted()),
                (kind, may_have_counted),
                "{error}"
            );
            assert_eq!(connections.load(Ordering::SeqCst), asked);
        }
    }
}

/// Half an answer is none.
#[tokio::test]
async fn an_answer_that_never_ends() {
    let half: Answer = |_, opaque| format!("VA 100 c1 t-1 f0 O{opaque}\r\nhi");
    let (backend, connections) = stranger(half).await;
    for asked in 1..=2 {
        let error = backend.get("key").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(connections.load(Ordering::SeqCst), asked);
    }
}

/// A server could be told to take it, and the backend would never read it again.
#[tokio::test]
async fn refuses_to_write_what_it_would_not_read() {
    let (backend, connections) = stranger(right).await;
    let large = vec![b'x'; (16 << 20) + 1];
    let error = backend.set("key", &large, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend, "{error}");
    assert!(connections.load(Ordering::SeqCst) <= 1);
}
