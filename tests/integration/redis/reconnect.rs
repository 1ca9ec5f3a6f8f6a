//! What happens to servers and connections under load: every call returns in time, and service resumes by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::{Backend, Error, ErrorKind};
use traffik_tests::{Proxy, RedisServer};

use super::{back, settings, text, within};

/// How long an operation may take here.
const TIMEOUT: Duration = Duration::from_millis(250);

/// Within this time after the server is back, so is the service.
const RESUMES: Duration = Duration::from_secs(2);

async fn connect(server: &RedisServer) -> Backend {
    let backend = settings(server.url()).timeout(TIMEOUT).connect().await;
    backend.expect("the server is there")
}

/// Tasks that use a backend all the time, and see that every call returns in time.
struct Load {
    over: Arc<AtomicBool>,
    tasks: JoinSet<Vec<Error>>,
}

impl Load {
    fn on(backend: &Backend) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for task in 0..8 {
            let (backend, over) = (backend.clone(), over.clone());
            tasks.spawn(async move {
                let key = task.to_string();
                let mut errors = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let call = backend.increment_with_ttl(&key, 1, Duration::from_secs(60));
                    errors.extend(within(TIMEOUT, call).await.err());
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                errors
            });
        }
        Self { over, tasks }
    }

    /// What went wrong.
    async fn end(self) -> Vec<Error> {
        self.over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash() {
    let mut server = RedisServer::start();
    let backend = connect(&server).await;
    let load = Load::on(&backend);
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
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
    let took = back(&backend).await;
    assert!(took < RESUMES, "{took:?}");
    let errors = load.end().await;
    assert!(!errors.is_empty());
    assert!(
        errors
            .iter()
            .all(|error| error.kind() == ErrorKind::Connection)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_connections() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let load = Load::on(&backend);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _: i64 = server.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        let took = back(&backend).await;
        assert!(took < RESUMES, "{took:?}");
    }
    let errors = load.end().await;
    assert!(
        errors
            .iter()
            .all(|error| error.kind() == ErrorKind::Connection)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let load = Load::on(&backend);
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.stop();
    tokio::time::sleep(Duration::from_secs(5)).await;
    server.resume();
    let took = back(&backend).await;
    assert!(took < RESUMES, "{took:?}");
    let errors = load.end().await;
    let kinds = [ErrorKind::Timeout, ErrorKind::Connection];
    assert!(
        errors
            .iter()
            .any(|error| error.kind() == kinds[0] && error.may_have_counted())
    );
    assert!(errors.iter().all(|error| kinds.contains(&error.kind())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_swallows() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let backend = settings(proxy.url())
        .timeout(TIMEOUT)
        .connect()
        .await
        .unwrap();
    proxy.swallow();
    for _ in 0..3 {
        let error = within(TIMEOUT, backend.increment("n", 1))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.may_have_counted());
    }
    // The third was one too many.
    let error = backend.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    proxy.pass();
    let took = back(&backend).await;
    assert!(took < RESUMES, "{took:?}");
    assert_eq!(backend.get("n").await.unwrap(), None);
}

/// An answer that comes too late is not lost on the next caller.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_come_too_late() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let backend = settings(proxy.url())
        .timeout(TIMEOUT)
        .connect()
        .await
        .unwrap();
    backend.set("a", "of a", None).await.unwrap();
    backend.set("b", "of b", None).await.unwrap();
    proxy.delay(Duration::from_millis(150));
    let error = within(TIMEOUT, backend.get("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    proxy.pass();
    for _ in 0..10 {
        assert_eq!(
            text(backend.get("b").await.unwrap()).as_deref(),
            Some("of b")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_cuts() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let backend = settings(proxy.url())
        .timeout(TIMEOUT)
        .connect()
        .await
        .unwrap();
    proxy.cut();
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..10 {
        let error = within(TIMEOUT, backend.get("n")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
    }
    proxy.pass();
    let took = back(&backend).await;
    assert!(took < RESUMES, "{took:?}");
}

/// A connection that nobody uses is seen to: whoever comes after the server's return finds it mended.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_that_nobody_noticed() {
    let mut server = RedisServer::start();
    let backend = connect(&server).await;
    backend.ready().await.unwrap();
    server.restart();
    tokio::time::sleep(Duration::from_secs(4)).await;
    backend
        .increment("n", 1)
        .await
        .expect("it was mended meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lazy_backend_waits_for_its_server() {
    let mut server = RedisServer::start();
    server.kill();
    let backend = settings(server.url()).timeout(TIMEOUT).lazy();
    for _ in 0..3 {
        let error = within(TIMEOUT, backend.get("n")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
    }
    server.restart();
    let took = back(&backend).await;
    assert!(took < RESUMES, "{took:?}");
}

/// Lessons A 24: two hundred at once on a backend that is not connected yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_at_once_on_a_fresh_backend() {
    let server = RedisServer::start();
    for connections in [1, 4] {
        let backend = settings(server.url()).connections(connections).lazy();
        let mut tasks = JoinSet::new();
        for _ in 0..200 {
            let backend = backend.clone();
            let call = async move {
                backend
                    .increment_with_ttl("n", 1, Duration::from_secs(60))
                    .await
            };
            tasks.spawn(call);
        }
        let sums = tasks.join_all().await.into_iter();
        let mut sums: Vec<_> = sums.map(|sum| sum.expect("no error")).collect();
        sums.sort_unstable();
        assert_eq!(sums, (1..=200).collect::<Vec<_>>());
    }
}

/// A server that has forgotten its scripts is told them again, without anybody noticing.
#[tokio::test]
async fn forgotten_scripts() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let () = server.ask(&["SCRIPT", "FLUSH"]);
    let ttl = Duration::from_secs(60);
    assert_eq!(backend.increment_with_ttl("n", 1, ttl).await.unwrap(), 1);
    let () = server.ask(&["CONFIG", "RESETSTAT"]);
    assert_eq!(backend.increment_with_ttl("n", 1, ttl).await.unwrap(), 2);
    assert_eq!((server.calls("evalsha"), server.calls("eval")), (1, 0));
}

/// A primary that has become a replica takes no writes: a new connection finds the one that took its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes() {
    let (old, new) = (RedisServer::start(), RedisServer::start());
    let proxy = Proxy::start(old.port()).await;
    let backend = settings(proxy.url()).timeout(TIMEOUT).connect().await;
    let backend = backend.unwrap();
    let () = old.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    proxy.lead_to(new.port());
    let error = backend.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    let took = back(&backend).await;
    assert!(took < RESUMES, "{took:?}");
    assert_eq!(new.ask::<i64>(&["DBSIZE"]), 1);
}

/// A password that was changed and changed back leaves nothing poisoned.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_wrong_for_a_while() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let () = server.ask(&["CONFIG", "SET", "requirepass", "secret"]);
    let _: i64 = server.ask_as(
        "secret",
        &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
    );
    backend.increment("n", 1).await.unwrap_err();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let error = backend.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.to_string().contains("NOAUTH"), "{error}");
    assert!(!error.may_have_counted());
    let () = server.ask_as("secret", &["CONFIG", "SET", "requirepass", ""]);
    let took = back(&backend).await;
    assert!(took < RESUMES, "{took:?}");
}

/// D12: one backend, a runtime after the other, as tests have them.
#[test]
fn one_backend_on_many_runtimes() {
    let server = RedisServer::start();
    let backend = settings(server.url()).lazy();
    for round in 1..=5 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let sum = runtime.block_on(async {
            backend.ready().await.unwrap();
            backend.increment("n", 1).await
        });
        assert_eq!(sum.expect("no error"), round);
    }
    let none = std::thread::spawn(move || futures(backend.get("n")));
    let error = none.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

/// Polled where there is no runtime.
fn futures<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("there is nothing to wait for"),
    }
}
