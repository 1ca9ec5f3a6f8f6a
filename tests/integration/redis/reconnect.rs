//! Failures of servers and connections under load: every call returns in time, and the service
//! resumes by itself.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::{Backend, Error, ErrorKind};
use traffik_tests::{Proxy, RedisServer, poll_once};

use super::{resume, settings, text, within};

/// The timeout of an operation here.
const TIMEOUT: Duration = Duration::from_millis(250);

/// The longest time until the service resumes after the server does.
const RESUMES: Duration = Duration::from_secs(2);

/// Connects a backend to a server, or to a proxy before it.
async fn connect(url: String) -> Backend {
    let backend = settings(url).timeout(TIMEOUT).connect().await;
    backend.expect("the server is up")
}

/// Connects a backend to a server through a proxy.
async fn connect_through_proxy(server: &RedisServer) -> (Proxy, Backend) {
    let proxy = Proxy::start(server.port()).await;
    let backend = connect(proxy.url()).await;
    (proxy, backend)
}

/// Asserts that the backend resumes within [`RESUMES`].
async fn assert_resumes(backend: &Backend) {
    let took = resume(backend).await;
    assert!(took < RESUMES, "{took:?}");
}

/// Asserts that an operation fails in time, with an error of a kind, and returns the error.
async fn fails<T: Debug>(kind: ErrorKind, call: impl Future<Output = Result<T, Error>>) -> Error {
    let error = within(TIMEOUT, call).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error
}

/// Asserts that all errors are of some kinds.
fn assert_kinds(errors: &[Error], kinds: &[ErrorKind]) {
    for error in errors {
        assert!(kinds.contains(&error.kind()), "{error}");
    }
}

/// Tasks that use a backend all the time and check that every call returns in time.
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

    /// Stops the tasks and returns their errors.
    async fn end(self) -> Vec<Error> {
        self.over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resumes_after_a_crash() {
    let mut server = RedisServer::start();
    let backend = connect(server.url()).await;
    let load = Load::on(&backend);
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
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
    assert_resumes(&backend).await;
    let errors = load.end().await;
    assert!(!errors.is_empty());
    assert_kinds(&errors, &[ErrorKind::Connection]);
}

#[tokio::test(flavor = "multi_thread")]
async fn resumes_after_killed_connections() {
    let server = RedisServer::start();
    let backend = connect(server.url()).await;
    let load = Load::on(&backend);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _: i64 = server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        assert_resumes(&backend).await;
    }
    let errors = load.end().await;
    assert_kinds(&errors, &[ErrorKind::Connection]);
}

#[tokio::test(flavor = "multi_thread")]
async fn resumes_after_the_server_was_suspended() {
    let server = RedisServer::start();
    let backend = connect(server.url()).await;
    let load = Load::on(&backend);
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.stop();
    tokio::time::sleep(Duration::from_secs(5)).await;
    server.resume();
    assert_resumes(&backend).await;
    let errors = load.end().await;
    let kinds = [ErrorKind::Timeout, ErrorKind::Connection];
    assert!(
        errors
            .iter()
            .any(|error| error.kind() == kinds[0] && error.may_have_counted())
    );
    assert_kinds(&errors, &kinds);
}

#[tokio::test(flavor = "multi_thread")]
async fn resumes_after_the_network_discarded_everything() {
    let server = RedisServer::start();
    let (proxy, backend) = connect_through_proxy(&server).await;
    proxy.discard();
    for _ in 0..3 {
        let error = fails(ErrorKind::Timeout, backend.increment("n", 1)).await;
        assert!(error.may_have_counted());
    }
    // The third timeout has closed the connection.
    let error = backend.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    proxy.forward();
    assert_resumes(&backend).await;
    assert_eq!(backend.get("n").await.unwrap(), None);
}

/// A late reply is not taken for that of the next caller.
#[tokio::test(flavor = "multi_thread")]
async fn drops_late_replies() {
    let server = RedisServer::start();
    let (proxy, backend) = connect_through_proxy(&server).await;
    backend.set("a", "of a", None).await.unwrap();
    backend.set("b", "of b", None).await.unwrap();
    proxy.delay(Duration::from_millis(150));
    fails(ErrorKind::Timeout, backend.get("a")).await;
    proxy.forward();
    for _ in 0..10 {
        assert_eq!(
            text(backend.get("b").await.unwrap()).as_deref(),
            Some("of b")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resumes_after_the_network_closed_connections() {
    let server = RedisServer::start();
    let (proxy, backend) = connect_through_proxy(&server).await;
    proxy.close();
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..10 {
        fails(ErrorKind::Connection, backend.get("n")).await;
    }
    proxy.forward();
    assert_resumes(&backend).await;
}

/// An idle connection is checked, so that the first call after the server's return succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn reconnects_while_idle() {
    let mut server = RedisServer::start();
    let backend = connect(server.url()).await;
    backend.ready().await.unwrap();
    server.restart();
    tokio::time::sleep(Duration::from_secs(4)).await;
    backend
        .increment("n", 1)
        .await
        .expect("it was mended meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn connects_lazily_when_the_server_starts() {
    let mut server = RedisServer::start();
    server.kill();
    let backend = settings(server.url()).timeout(TIMEOUT).lazy();
    for _ in 0..3 {
        fails(ErrorKind::Connection, backend.get("n")).await;
    }
    server.restart();
    assert_resumes(&backend).await;
}

/// Two hundred concurrent calls on a backend that is not connected yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn serves_two_hundred_concurrent_calls_on_a_new_backend() {
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

/// A server that has lost its scripts gets them again, without an error.
#[tokio::test]
async fn reloads_scripts() {
    let server = RedisServer::start();
    let backend = connect(server.url()).await;
    let () = server.command(&["SCRIPT", "FLUSH"]);
    let ttl = Duration::from_secs(60);
    assert_eq!(backend.increment_with_ttl("n", 1, ttl).await.unwrap(), 1);
    let () = server.command(&["CONFIG", "RESETSTAT"]);
    assert_eq!(backend.increment_with_ttl("n", 1, ttl).await.unwrap(), 2);
    assert_eq!((server.calls("evalsha"), server.calls("eval")), (1, 0));
}

/// A primary that became a replica accepts no writes: a new connection finds the new primary.
#[tokio::test(flavor = "multi_thread")]
async fn reconnects_to_the_new_primary() {
    let (old, new) = (RedisServer::start(), RedisServer::start());
    let (proxy, backend) = connect_through_proxy(&old).await;
    let () = old.command(&["REPLICAOF", "127.0.0.1", "1"]);
    proxy.retarget(new.port());
    let error = backend.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    assert_resumes(&backend).await;
    assert_eq!(new.command::<i64>(&["DBSIZE"]), 1);
}

/// A password that was changed and changed back leaves no broken connection.
#[tokio::test(flavor = "multi_thread")]
async fn resumes_after_the_password_was_wrong() {
    let server = RedisServer::start();
    let backend = connect(server.url()).await;
    let () = server.command(&["CONFIG", "SET", "requirepass", "secret"]);
    let _: i64 = server.command_as(
        "secret",
        &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
    );
    backend.increment("n", 1).await.unwrap_err();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let error = backend.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.to_string().contains("NOAUTH"), "{error}");
    assert!(!error.may_have_counted());
    let () = server.command_as("secret", &["CONFIG", "SET", "requirepass", ""]);
    assert_resumes(&backend).await;
}

/// One backend on several runtimes, one after the other, as in tests.
#[test]
fn works_on_several_runtimes() {
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
    let none = std::thread::spawn(move || poll_once(backend.get("n")));
    let error = none.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
