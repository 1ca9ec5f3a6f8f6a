//! Failures of servers and connections under load: every call returns in time with its own reply,
//! and the service resumes by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::{Backend, Error, ErrorKind, Identity};
use traffik_tests::{MemcachedServer, Proxy};

use super::{settings, throttle};

/// The timeout of an operation here.
const TIMEOUT: Duration = Duration::from_millis(250);

/// The longest time until the service resumes after the server does.
const RESUMES: Duration = Duration::from_secs(1);

async fn connect(url: &str) -> Backend {
    let backend = settings(url).timeout(TIMEOUT).pool_size(4).connect().await;
    backend.expect("the server is there")
}

/// Tasks that use a backend all the time and check that every call returns in time with its own
/// reply.
struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    tasks: JoinSet<Vec<Error>>,
}

impl Load {
    fn on(backend: &Backend) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let answered = Arc::<AtomicU64>::default();
        let mut tasks = JoinSet::new();
        for task in 0..16 {
            let (backend, over, answered) = (backend.clone(), over.clone(), answered.clone());
            tasks.spawn(async move {
                let mut errors = Vec::new();
                for round in 0_u32.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    // Values of different lengths, each of which one task writes once.
                    let key = format!("{task} {round}");
                    let value = format!("{key}:").repeat(1 + round as usize % 7);
                    let start = Instant::now();
                    let result = match round % 3 {
                        0 => round_trip(&backend, &key, &value).await,
                        1 => counter(&backend, &key, i64::from(round) + 1).await,
                        _ => backend
                            .get(&format!("missing {key}"))
                            .await
                            .map(|value| assert_eq!(value, None)),
                    };
                    let took = start.elapsed();
                    assert!(took < TIMEOUT * 3, "it took {took:?}");
                    match result {
                        Ok(()) => drop(answered.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => errors.push(error),
                    }
                    // Paces the operations, which last as long as the faults.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                errors
            });
        }
        Self {
            over,
            answered,
            tasks,
        }
    }

    /// Returns the errors, after every reply belonged to its caller.
    async fn end(self) -> Vec<Error> {
        self.over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }

    /// Waits until this many more calls have succeeded.
    async fn succeeds(&self, more: u64) -> Duration {
        let (start, before) = (Instant::now(), self.answered.load(Ordering::Relaxed));
        while self.answered.load(Ordering::Relaxed) < before + more {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "it does not resume"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        start.elapsed()
    }
}

async fn round_trip(backend: &Backend, key: &str, value: &str) -> Result<(), Error> {
    let ttl = Some(Duration::from_secs(600));
    backend.set(key, value, ttl).await?;
    // A server that was restarted may have lost the value.
    let read = backend.get(key).await?;
    assert!(
        read.as_deref().is_none_or(|read| read == value.as_bytes()),
        "{key}: {read:?}"
    );
    Ok(())
}

async fn counter(backend: &Backend, key: &str, by: i64) -> Result<(), Error> {
    let sum = backend
        .increment_with_ttl(key, by, Duration::from_secs(600))
        .await?;
    assert_eq!(sum, by, "{key}");
    Ok(())
}

fn assert_kinds(errors: &[Error], allowed: &[ErrorKind]) {
    for error in errors {
        assert!(allowed.contains(&error.kind()), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resumes_after_a_crash() {
    let mut server = MemcachedServer::start();
    let backend = connect(&server.url()).await;
    let load = Load::on(&backend);
    load.succeeds(100).await;
    server.kill();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // No call waits for the connection to be restored.
    let start = Instant::now();
    let error = backend.get("key").await.unwrap_err();
    assert!(
        start.elapsed() < Duration::from_millis(100),
        "it failed late"
    );
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    server.restart();
    let took = load.succeeds(100).await;
    assert!(took < RESUMES, "{took:?}");
    let errors = load.end().await;
    assert!(!errors.is_empty());
    assert_kinds(&errors, &[ErrorKind::Connection]);
}

/// An idle connection must not fail once after a restart.
#[tokio::test]
async fn resumes_after_a_restart_while_idle() {
    let mut server = MemcachedServer::start();
    let backend = connect(&server.url()).await;
    let tasks: JoinSet<_> = (0..8)
        .map(|task| {
            let backend = backend.clone();
            async move { backend.set(&task.to_string(), "1", None).await }
        })
        .collect();
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    server.restart();
    // This thread was blocked, so no task has noticed the closed sockets.
    tokio::time::sleep(Duration::from_millis(10)).await;
    for _ in 0..8 {
        assert_eq!(backend.get("0").await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resumes_after_the_server_was_suspended() {
    let server = MemcachedServer::start();
    let backend = connect(&server.url()).await;
    let load = Load::on(&backend);
    load.succeeds(100).await;
    server.stop();
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.resume();
    let took = load.succeeds(100).await;
    assert!(took < RESUMES, "{took:?}");
    let errors = load.end().await;
    assert_kinds(&errors, &[ErrorKind::Timeout, ErrorKind::Connection]);
    let late = |error: &Error| error.kind() == ErrorKind::Timeout && error.may_have_counted();
    assert!(errors.iter().any(late));
    // A call without a connection was not sent, and its error says so.
    assert!(errors.iter().any(|error| !error.may_have_counted()));
}

/// Counts are lost, as in any cache, and later hits are counted.
#[tokio::test]
async fn counts_again_after_a_flush() {
    let server = MemcachedServer::start();
    let backend = connect(&server.url()).await;
    let throttle = throttle(&backend, "3/day");
    let client = Identity::new("user");
    for _ in 0..3 {
        for hit in 0..5 {
            let decision = throttle.hit(&client, 1).await.unwrap();
            assert_eq!(decision.admitted, hit < 3);
        }
        server.flush_all();
        // `flush_all` removes what was written before the present second of the server.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
}

/// Late, truncated and missing replies: each such connection is closed, and no other call reads the
/// rest of a reply.
#[tokio::test(flavor = "multi_thread")]
async fn closes_connections_with_late_or_truncated_replies() {
    let server = MemcachedServer::start();
    let proxy = Proxy::start(server.port()).await;
    let backend = connect(&proxy.address().to_string()).await;
    let load = Load::on(&backend);
    load.succeeds(100).await;
    for round in 0..8 {
        match round % 4 {
            0 => proxy.delay(TIMEOUT + Duration::from_millis(30)),
            1 => proxy.truncate_replies(),
            2 => proxy.close(),
            _ => proxy.discard(),
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
        proxy.forward();
        let took = load.succeeds(100).await;
        assert!(took < RESUMES, "{round}: {took:?}");
    }
    let errors = load.end().await;
    assert!(!errors.is_empty());
    assert_kinds(&errors, &[ErrorKind::Timeout, ErrorKind::Connection]);
}

/// Decisions return in time too, with all their reads, writes and refunds.
#[tokio::test]
async fn returns_decisions_in_time() {
    let server = MemcachedServer::start();
    let proxy = Proxy::start(server.port()).await;
    let backend = connect(&proxy.address().to_string()).await;
    let throttle = throttle(&backend, "1/day");
    let client = Identity::new("user");
    throttle.hit(&client, 1).await.unwrap();
    // The refusal is known, and a failed refund does not delay it.
    proxy.delay(TIMEOUT / 3);
    for _ in 0..3 {
        let start = Instant::now();
        let result = throttle.hit(&client, 1).await;
        assert!(start.elapsed() < TIMEOUT * 2, "{:?}", start.elapsed());
        if let Ok(decision) = result {
            assert!(!decision.admitted);
        }
    }
}
