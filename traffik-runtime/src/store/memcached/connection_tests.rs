//! Tests of a connection on a manual clock, with a server that the test plays.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::{Connection, End, FRAMED_ERRORS};
use crate::store::memcached::connector::Connector;
use crate::store::memcached::error::Failed;
use crate::store::memcached::handshake::Handshake;
use crate::store::memcached::meta_protocol::encoded::EncodedRequests;
use crate::store::memcached::meta_protocol::request::Request;
use crate::store::memcached::nodes::Address;
use crate::store::memcached::request_queue::{PendingAnswer, RequestQueue};

const LIMIT: Duration = Duration::from_millis(250);

/// A connection, the queue of its exchanges, and the server's end.
struct Setup {
    queue: Arc<RequestQueue>,
    server: DuplexStream,
    task: JoinHandle<(End, Instant)>,
}

impl Setup {
    fn new() -> Self {
        let queue = Arc::<RequestQueue>::default();
        let (socket, server) = duplex(1 << 20);
        let connector = Connector {
            address: Address::Tcp("server".to_owned(), 1),
            handshake: Arc::new(Handshake::new(&[], None, None).unwrap()),
            timeout: LIMIT,
            is_down: AtomicBool::new(false),
        };
        let connection = Connection::new(Box::new(socket), queue.clone(), connector.into());
        let task = tokio::spawn(async move {
            let mut connection = connection;
            let end = connection.serve().await;
            if let End::Retired(_) = end {
                tokio::spawn(connection.drain());
            }
            (end, Instant::now())
        });
        Self {
            queue,
            server,
            task,
        }
    }

    /// Sends a request, and returns its answer.
    async fn send(&self) -> PendingAnswer {
        let requests = EncodedRequests::new(&[Request::get("key")], None).unwrap();
        let deadline = Instant::now() + LIMIT;
        let answer = self.queue.push(requests, deadline, || {}).await;
        answer.unwrap().unwrap()
    }

    /// Reads what was written, and returns the number of each request.
    async fn requests(&mut self) -> Vec<String> {
        let mut bytes = [0; 4_096];
        let read = self.server.read(&mut bytes).await.unwrap();
        let text = str::from_utf8(&bytes[..read]).unwrap();
        let numbers = text.lines().map(|line| match line.rsplit_once(" O") {
            Some((_, number)) => number.to_owned(),
            None => line.to_owned(),
        });
        numbers.collect()
    }

    async fn write(&mut self, bytes: &str) {
        self.server.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Answers one request.
    async fn answer(&mut self) {
        let answer = self.send().await;
        let requests = self.requests().await;
        self.write(&format!("HD O{}\r\n", requests[0])).await;
        answer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn retires_after_three_time_limits_without_an_answer() {
    let mut setup = Setup::new();
    setup.answer().await;
    let start = Instant::now();
    let answer = setup.send().await;
    // Neither more requests nor callers that go away change anything.
    sleep(LIMIT * 2).await;
    drop(setup.send().await);
    let (end, at) = (&mut setup.task).await.unwrap();
    assert!(matches!(end, End::Retired(Failed::Timeout(_))), "{end:?}");
    let took = at - start;
    assert!(
        (LIMIT * 3..LIMIT * 3 + LIMIT / 10).contains(&took),
        "{took:?}"
    );
    // A late answer is still read.
    let requests = setup.requests().await;
    setup.write(&format!("HD O{}\r\n", requests[0])).await;
    assert_eq!(answer.await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn stays_as_long_as_answers_are_read() {
    let mut setup = Setup::new();
    setup.answer().await;
    for _ in 0..20 {
        let answers = [setup.send().await, setup.send().await];
        let requests = setup.requests().await;
        assert_eq!(requests.len(), 2, "they are written at once");
        for request in requests {
            sleep(LIMIT * 2).await;
            setup.write(&format!("HD O{request}\r\n")).await;
        }
        for answer in answers {
            assert_eq!(answer.await.unwrap().len(), 1);
        }
    }
    assert!(!setup.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn retires_a_new_connection_and_half_a_reply_earlier() {
    for bytes in ["", "VA 10 t-1"] {
        let mut setup = Setup::new();
        if !bytes.is_empty() {
            setup.answer().await;
        }
        let start = Instant::now();
        let _answer = setup.send().await;
        setup.requests().await;
        setup.write(bytes).await;
        let (end, at) = setup.task.await.unwrap();
        assert!(matches!(end, End::Retired(Failed::Timeout(_))), "{end:?}");
        assert!(at - start < LIMIT + LIMIT / 10, "{:?}", at - start);
    }
}

#[tokio::test(start_paused = true)]
async fn sends_a_second_request_after_the_first_answer() {
    let mut setup = Setup::new();
    let answers = [setup.send().await, setup.send().await, setup.send().await];
    for count in [1, 2] {
        let requests = setup.requests().await;
        assert_eq!(requests.len(), count);
        for request in requests {
            setup.write(&format!("HD O{request}\r\n")).await;
        }
    }
    for answer in answers {
        assert_eq!(answer.await.unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn probes_an_idle_connection() {
    let mut setup = Setup::new();
    setup.answer().await;
    let start = Instant::now();
    for _ in 0..5 {
        assert_eq!(setup.requests().await, ["mn"]);
        // Not every proxy knows it.
        setup.write("ERROR\r\n").await;
        assert_eq!(setup.requests().await, ["mn"]);
        setup.write("MN\r\n").await;
    }
    let took = start.elapsed();
    assert!((9..=11).contains(&took.as_secs()), "{took:?}");
    assert_eq!(setup.requests().await, ["mn"]);
    let (end, at) = setup.task.await.unwrap();
    assert!(matches!(end, End::Retired(Failed::Timeout(_))), "{end:?}");
    assert!(at - start < took + Duration::from_secs(1) + LIMIT * 4);
}

#[tokio::test(start_paused = true)]
async fn answers_others_after_an_error() {
    let mut setup = Setup::new();
    setup.answer().await;
    let answers = [setup.send().await, setup.send().await, setup.send().await];
    let requests = setup.requests().await;
    setup.write("SERVER_ERROR of a proxy\r\n").await;
    setup.write(&format!("HD O{}\r\n", requests[1])).await;
    let (end, _) = (&mut setup.task).await.unwrap();
    assert!(matches!(end, End::Retired(Failed::Unclear(_))), "{end:?}");
    // The second error could be one to the first request.
    setup.write("SERVER_ERROR out of memory\r\n").await;
    let [first, second, third] = answers;
    assert!(matches!(first.await, Err(Failed::Unclear(_))));
    assert_eq!(second.await.unwrap().len(), 1);
    assert!(matches!(third.await, Err(Failed::Protocol)));
}

#[tokio::test(start_paused = true)]
async fn continues_after_an_error_that_is_a_whole_reply() {
    let mut setup = Setup::new();
    setup.answer().await;
    for error in FRAMED_ERRORS {
        let answers = [setup.send().await, setup.send().await];
        let requests = setup.requests().await;
        setup
            .write(&format!("{error}\r\nHD O{}\r\n", requests[1]))
            .await;
        let [first, second] = answers;
        assert!(first.await.is_err());
        assert_eq!(second.await.unwrap().len(), 1);
    }
    assert!(!setup.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn withdraws_what_was_not_written() {
    let mut setup = Setup::new();
    let first = setup.send().await;
    let request = || EncodedRequests::new(&[Request::get("key")], None).unwrap();
    let deadline = Instant::now() + LIMIT;
    let push = || setup.queue.push(request(), deadline, || {});
    let (second, third) = (push().await, push().await);
    let mut second = second.unwrap().unwrap();
    sleep(LIMIT / 4).await;
    assert!(second.withdraw());
    let requests = setup.requests().await;
    assert_eq!(requests.len(), 1);
    setup.write(&format!("HD O{}\r\n", requests[0])).await;
    assert_eq!(first.await.unwrap().len(), 1);
    let requests = setup.requests().await;
    assert_eq!(requests.len(), 1, "the second one is never written");
    let mut third = third.unwrap().unwrap();
    assert!(!third.withdraw());
    setup.write(&format!("HD O{}\r\n", requests[0])).await;
    assert_eq!(third.await.unwrap().len(), 1);
}
