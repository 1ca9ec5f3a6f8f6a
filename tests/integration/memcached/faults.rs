//! What happens to servers and connections under load: every call returns in time, no answer is
//! somebody else's, and service resumes by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::{Backend, Error, ErrorKind, Identity};
use traffik_tests::{MemcachedServer, Proxy};

use super::{settings, throttle};

/// How long an operation may take here.
const TIMEOUT: Duration = Duration::from_millis(250);

/// Within this time after the server is back, so is the service.
const RESUMES: Duration = Duration::from_secs(1);

async fn connect(url: &str) -> Backend {
    let backend = settings(url).timeout(TIMEOUT).pool_size(4).connect().await;
    backend.expect("the server is there")
}

/// Tasks that use a backend all the time, and see that every call returns in time with their own
/// answer.
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
                for turn in 0_u32.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    // Values of different lengths, which nobody else writes and nobody writes
                    // twice.
                    let key = format!("{task} {turn}");
                    let value = format!("{key}:").repeat(1 + turn as usize % 7);
                    let start = Instant::now();
                    let result = match turn % 3 {
                        0 => own(&backend, &key, &value).await,
                        1 => counter(&backend, &key, i64::from(turn) + 1).await,
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

    /// What went wrong; nothing was answered by what somebody else had asked.
    async fn end(self) -> Vec<Error> {
        self.over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }

    /// Waits until so many more calls were answered.
    async fn answers(&self, more: u64) -> Duration {
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

async fn own(backend: &Backend, key: &str, value: &str) -> Result<(), Error> {
    let ttl = Some(Duration::from_secs(600));
    backend.set(key, value, ttl).await?;
    // A server that was started again may have forgotten it.
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

fn kinds(errors: &[Error], allowed: &[ErrorKind]) {
    for error in errors {
        assert!(allowed.contains(&error.kind()), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash() {
    let mut server = MemcachedServer::start();
    let backend = connect(&server.url()).await;
    let load = Load::on(&backend);
    load.answers(100).await;
    server.kill();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Nobody waits for a connection to come back.
    let start = Instant::now();
    let error = backend.get("key").await.unwrap_err();
    assert!(
        start.elapsed() < Duration::from_millis(100),
        "it failed late"
    );
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    server.restart();
    let took = load.answers(100).await;
    assert!(took < RESUMES, "{took:?}");
    let errors = load.end().await;
    assert!(!errors.is_empty());
    kinds(&errors, &[ErrorKind::Connection]);
}

/// Lessons: each idle connection used to fail once.
#[tokio::test]
async fn a_restart_that_nobody_saw() {
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
    // While this thread waited for it, nobody looked after sockets.
    tokio::time::sleep(Duration::from_millis(10)).await;
    for _ in 0..8 {
        assert_eq!(backend.get("0").await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still() {
    let server = MemcachedServer::start();
    let backend = connect(&server.url()).await;
    let load = Load::on(&backend);
    load.answers(100).await;
    server.stop();
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.resume();
    let took = load.answers(100).await;
    assert!(took < RESUMES, "{took:?}");
    let errors = load.end().await;
    kinds(&errors, &[ErrorKind::Timeout, ErrorKind::Connection]);
    let late = |error: &Error| error.kind() == ErrorKind::Timeout && error.may_have_counted();
    assert!(errors.iter().any(late));
    // Who got no connection was not heard, and knows it.
    assert!(errors.iter().any(|error| !error.may_have_counted()));
}

/// Counts are gone, as on any cache; what comes after is counted.
#[tokio::test]
async fn everything_is_forgotten() {
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
        // It forgets what was written before the present second of its own.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
}

/// Answers that come too late, or half, or not at all: each such connection is given up, and none
/// goes on with what was left of another answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_fails() {
    let server = MemcachedServer::start();
    let proxy = Proxy::start(server.port()).await;
    let backend = connect(&proxy.address().to_string()).await;
    let load = Load::on(&backend);
    load.answers(100).await;
    for turn in 0..8 {
        match turn % 4 {
            0 => proxy.delay(TIMEOUT + Duration::from_millis(30)),
            1 => proxy.truncate_replies(),
            2 => proxy.close(),
            _ => proxy.discard(),
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
        proxy.forward();
        let took = load.answers(100).await;
        assert!(took < RESUMES, "{turn}: {took:?}");
    }
    let errors = load.end().await;
    assert!(!errors.is_empty());
    kinds(&errors, &[ErrorKind::Timeout, ErrorKind::Connection]);
}

/// Decisions, too, return in time, whatever they have to read, write and give back.
#[tokio::test]
async fn decisions_return_in_time() {
    let server = MemcachedServer::start();
    let proxy = Proxy::start(server.port()).await;
    let backend = connect(&proxy.address().to_string()).await;
    let throttle = throttle(&backend, "1/day");
    let client = Identity::new("user");
    throttle.hit(&client, 1).await.unwrap();
    // The refusal is known, and takes no longer because it cannot be taken back.
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
