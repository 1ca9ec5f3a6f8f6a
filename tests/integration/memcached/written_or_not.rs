//! Connections that fail with many requests on them: each caller learns exactly if its request may
//! have been done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use traffik::{Backend, Error, ErrorKind};

use super::settings;

const LIMIT: Duration = Duration::from_millis(400);

/// The behaviour of a fake server on the request of this number on a connection.
#[derive(Clone, Copy)]
enum Fault {
    /// It answers nothing from then on.
    Silent(usize),
    /// It ends its side of the connection after half of the reply.
    Cut(usize),
    /// It does not answer this one.
    Skip(usize),
    /// It answers with another number.
    Confuse(usize),
}

/// A fake server, and the number of requests and connections that it got.
struct FakeServer {
    backend: Backend,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl FakeServer {
    async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (requests, connections) = (Arc::<AtomicUsize>::default(), Arc::default());
        let counts = (requests.clone(), Arc::<AtomicUsize>::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counts.1.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, fault, counts.0.clone()));
            }
        });
        Self {
            backend: settings(address).timeout(LIMIT).lazy(),
            requests,
            connections,
        }
    }

    /// Calls as many times at once. Checks every answer and returns the errors.
    async fn call(&self, calls: usize) -> Vec<Error> {
        let mut tasks = JoinSet::new();
        for call in 0..calls {
            let backend = self.backend.clone();
            tasks.spawn(async move {
                let key = format!("key{call}");
                let value = backend.get(&key).await?;
                let value = String::from_utf8(value.unwrap()).unwrap();
                assert!(value.ends_with(&format!(":{key}}}")), "{value} for {key}");
                Ok(())
            });
        }
        let results = tasks.join_all().await;
        results.into_iter().filter_map(Result::err).collect()
    }
}

/// Answers the requests of one connection by their keys, and counts them.
async fn answer(stream: TcpStream, fault: Fault, requests: Arc<AtomicUsize>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut number = 0;
    while let Ok(Some(line)) = lines.next_line().await {
        if line == "mn" {
            continue;
        }
        number += 1;
        requests.fetch_add(1, Ordering::SeqCst);
        let (key, opaque) = parse(&line);
        let mut reply = format!("VA {} O{opaque}\r\n{key}\r\n", key.len());
        match fault {
            Fault::Silent(from) if number >= from => continue,
            Fault::Skip(at) if number == at => continue,
            Fault::Cut(at) if number == at => {
                reply.truncate(reply.len() / 2);
                let _ = write.write_all(reply.as_bytes()).await;
                let _ = write.shutdown().await;
                continue;
            }
            Fault::Cut(at) if number > at => continue,
            Fault::Confuse(at) if number == at => reply = reply.replace(opaque, "123"),
            _ => {}
        }
        if write.write_all(reply.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Returns the key and the number of a request.
fn parse(line: &str) -> (&str, &str) {
    let key = line.split(' ').nth(1).unwrap();
    let (_, opaque) = line.rsplit_once(" O").unwrap();
    (key, opaque)
}

fn ambiguous(errors: &[Error]) -> usize {
    let ambiguous = errors.iter().filter(|error| error.may_have_counted());
    ambiguous.count()
}

/// Neither the queue nor the connection grows with the number of callers, and no request is sent
/// whose caller was told that nothing was done.
#[tokio::test(flavor = "multi_thread")]
async fn bounds_requests_on_a_silent_server() {
    let server = FakeServer::start(Fault::Silent(2)).await;
    assert_eq!(server.call(1).await.len(), 0);
    let calls = 6_000;
    let errors = server.call(calls).await;
    assert_eq!(errors.len(), calls);
    for error in &errors {
        let kind = if error.may_have_counted() {
            ErrorKind::Timeout
        } else {
            ErrorKind::Connection
        };
        assert_eq!(error.kind(), kind, "{error}");
    }
    // Time for what is on its way, and for what must not be sent any more.
    sleep(LIMIT / 4).await;
    let sent = server.requests.load(Ordering::SeqCst) - 1;
    assert_eq!(sent, ambiguous(&errors));
    assert!(sent < calls, "{sent}");
}

/// A new connection gets one exchange, until the server has shown that it answers.
#[tokio::test(flavor = "multi_thread")]
async fn tries_a_new_connection_with_one_request() {
    let server = FakeServer::start(Fault::Silent(1)).await;
    let errors = server.call(50).await;
    assert_eq!(errors.len(), 50);
    sleep(LIMIT / 4).await;
    let sent = server.requests.load(Ordering::SeqCst);
    assert!(sent <= server.connections.load(Ordering::SeqCst), "{sent}");
    assert_eq!(sent, ambiguous(&errors));
    assert!(sent <= 3, "{sent}");
}

/// No caller gets another's answer when an answer is missing, cut off or confused.
#[tokio::test(flavor = "multi_thread")]
async fn closes_a_connection_whose_answers_do_not_match() {
    for fault in [Fault::Cut(40), Fault::Skip(40), Fault::Confuse(40)] {
        let server = FakeServer::start(fault).await;
        let mut errors = Vec::new();
        for _ in 0..10 {
            errors.extend(server.call(100).await);
        }
        assert!(!errors.is_empty());
        for error in &errors {
            let kinds = [ErrorKind::Connection, ErrorKind::Timeout];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
        // Each connection has one fault, after 39 answers.
        let connections = server.connections.load(Ordering::SeqCst);
        assert!((2..=26).contains(&connections), "{connections}");
        let answered = 1_000 - errors.len();
        assert!(answered >= 39 * (connections - 1), "{answered}");
        let sent = server.requests.load(Ordering::SeqCst);
        assert!(sent - answered <= ambiguous(&errors), "{sent}");
    }
}
