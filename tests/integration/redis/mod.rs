//! Redis: values, locks, decisions, and failures of connections. Every test has a server or a
//! namespace of its own.

mod clear;
mod cluster;
mod decisions;
mod errors;
mod hangups;
mod locks;
mod permissions;
mod primitives;
mod reconnect;
mod redlock;
mod sentinel;
mod tls;
mod urls;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use traffik::{Backend, Error, RedisBackend};
use traffik_tests::{MemcachedServer, RedisCluster, RedisServer};

/// The timeout of an operation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns a backend's settings with a namespace that no other test has.
fn settings(url: impl AsRef<str>) -> RedisBackend {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let namespace = format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    Backend::redis(url).namespace(namespace).timeout(PATIENCE)
}

async fn connect(server: &RedisServer) -> Backend {
    let backend = settings(server.url()).connect().await;
    backend.expect("the server is there")
}

/// Servers that tests share while any of them runs; each test has its own namespaces.
#[derive(Debug)]
struct Shared {
    server: RedisServer,
    cluster: RedisCluster,
    memcached: MemcachedServer,
}

fn shared() -> Arc<Shared> {
    static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let servers = Arc::new(Shared {
            server: RedisServer::start(),
            cluster: RedisCluster::start(),
            memcached: MemcachedServer::start(),
        });
        *shared = Arc::downgrade(&servers);
        servers
    })
}

/// Converts a value into text.
fn text(value: Option<Vec<u8>>) -> Option<String> {
    value.map(|value| String::from_utf8(value).expect("text"))
}

/// Increments a counter until that succeeds, and returns the time until then.
async fn resume(backend: &Backend) -> Duration {
    let start = Instant::now();
    while let Err(error) = backend.increment("back", 1).await {
        assert!(start.elapsed() < Duration::from_secs(20), "{error}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}

/// Returns the result of an operation after asserting that it took little longer than a limit.
async fn within<T>(
    limit: Duration,
    operation: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let start = Instant::now();
    let result = operation.await;
    let took = start.elapsed();
    assert!(
        took < limit + Duration::from_millis(200),
        "it took {took:?}"
    );
    result
}

/// Servers end with their tests, also if a test fails.
#[test]
fn ends_servers_with_their_tests() {
    let (report, port) = std::sync::mpsc::channel();
    let failing = std::thread::spawn(move || {
        let server = RedisServer::start();
        report.send(server.port()).unwrap();
        std::panic::panic_any(());
    });
    failing.join().unwrap_err();
    let port = port.recv().unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}
