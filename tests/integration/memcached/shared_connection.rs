//! One connection for all callers: each gets its own answer, whoever else goes away or fails.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use traffik::{Backend, ErrorKind, Identity};
use traffik_tests::{MemcachedServer, Proxy};

use super::{connect, settings, throttle};

const TASKS: u64 = 300;

/// Returns the number of connections of backends that a server has accepted.
fn connections(server: &MemcachedServer) -> u64 {
    server.stats()["total_connections"]
}

/// Starts a server and a proxy in front of it.
async fn behind_proxy() -> (MemcachedServer, Proxy) {
    let server = MemcachedServer::start();
    let proxy = Proxy::start(server.port()).await;
    (server, proxy)
}

/// Connects through a proxy, with a time limit for each operation.
async fn backend_of(proxy: &Proxy, limit: Duration) -> Backend {
    let settings = settings(proxy.address().to_string());
    settings.timeout(limit).connect().await.unwrap()
}

/// Numbers that differ from call to call, but not from run to run.
struct Random(u64);

impl Random {
    const fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Polls a future at most this often. Returns `None` if it was dropped then.
async fn dropped_after<T>(polls: u64, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Writes and reads values that no other task writes, and drops other operations at every point.
async fn use_and_cancel(backend: Backend, task: u64) {
    let mut random = Random(task + 1);
    let throttle = throttle(&backend, "1000000/day");
    let client = Identity::from(task);
    for round in 0_i64..20 {
        let key = format!("{task} {round}");
        // Some are hundreds of times as long as the others.
        let length = if random.below(10) == 0 { 60_000 } else { 9 };
        let value = format!("{key}:").repeat(1 + length / 9);
        backend.set(&key, &value, None).await.unwrap();
        let cancelled = format!("cancelled {key}");
        let polls = random.below(4);
        match random.below(4) {
            0 => drop(dropped_after(polls, backend.get(&key)).await),
            1 => drop(dropped_after(polls, backend.set(&cancelled, &value, None)).await),
            2 => drop(dropped_after(polls, throttle.hit(&client, 1)).await),
            _ => {
                let within = Duration::from_micros(random.below(500));
                drop(timeout(within, backend.increment(&cancelled, 1)).await);
            }
        }
        let read = backend.get(&key).await.unwrap();
        assert_eq!(read.as_deref(), Some(value.as_bytes()), "{key}");
        let sum = backend.increment(&task.to_string(), 1).await.unwrap();
        assert_eq!(sum, round + 1);
        assert_eq!(backend.get(&format!("no {key}")).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_every_caller_while_others_are_cancelled() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await;
    let before = connections(&server);
    let tasks = (0..TASKS).map(|task| use_and_cancel(backend.clone(), task));
    tasks.collect::<JoinSet<_>>().join_all().await;
    // The second connection reads the statistics.
    assert_eq!(connections(&server) - before, 1);
}

/// Callers that go away on a slow server are no evidence against it.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_connection_of_impatient_callers() {
    let (server, proxy) = behind_proxy().await;
    let backend = backend_of(&proxy, Duration::from_millis(250)).await;
    let before = connections(&server);
    proxy.delay(Duration::from_millis(20));
    for _ in 0..100 {
        let answered = timeout(Duration::from_millis(10), backend.get("key")).await;
        assert!(answered.is_err(), "it was not dropped");
    }
    proxy.forward();
    assert_eq!(backend.increment("n", 1).await.unwrap(), 1);
    assert_eq!(connections(&server) - before, 1);
}

/// The server refuses a command, and the others on the connection get their answers.
#[tokio::test(flavor = "multi_thread")]
async fn confines_an_error_to_its_caller() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await;
    let before = connections(&server);
    let over = Arc::new(AtomicBool::new(false));
    let mut others = JoinSet::new();
    for task in 0..32_u64 {
        let (backend, over) = (backend.clone(), over.clone());
        others.spawn(async move {
            let key = task.to_string();
            for sum in 1.. {
                assert_eq!(backend.increment(&key, 1).await.unwrap(), sum);
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
    }
    // Memcached itself adds to no negative number.
    for sum in (-50..0).rev() {
        assert_eq!(backend.increment("negative", -1).await.unwrap(), sum);
        assert_eq!(backend.increment("negative", 1).await.unwrap(), sum + 1);
        assert_eq!(backend.increment("negative", -1).await.unwrap(), sum);
    }
    assert_eq!(connections(&server) - before, 1);
    for _ in 0..10 {
        let large = vec![b'x'; 3 << 20];
        let error = backend.set("large", &large, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend, "{error}");
    }
    over.store(true, Ordering::Relaxed);
    others.join_all().await;
}

/// Nobody calls while the connection dies, and nobody has to discover it.
#[tokio::test]
async fn replaces_a_silent_connection() {
    let (server, proxy) = behind_proxy().await;
    let backend = backend_of(&proxy, Duration::from_millis(100)).await;
    let before = connections(&server);
    // A probe that is answered keeps the connection. Probes are sent by the connection's own task
    // after a second of silence, which only time brings about.
    sleep(Duration::from_millis(1_600)).await;
    backend.ready().await.unwrap();
    assert_eq!(connections(&server) - before, 1);
    proxy.discard();
    sleep(Duration::from_millis(1_800)).await;
    proxy.forward();
    backend.ready().await.unwrap();
    assert_eq!(connections(&server) - before, 3);
}

/// Requests that were written are answered, and the connection is closed then.
#[tokio::test(flavor = "multi_thread")]
async fn answers_what_was_written_before_it_is_closed() {
    let (server, proxy) = behind_proxy().await;
    let backend = settings(proxy.address().to_string());
    let backend = backend.connect().await.unwrap();
    let before = server.stats()["curr_connections"];
    proxy.delay(Duration::from_millis(50));
    let written = backend.clone();
    let written = tokio::spawn(async move { written.set("key", "1", None).await });
    sleep(Duration::from_millis(20)).await;
    backend.close().await.unwrap();
    let error = backend.get("key").await.unwrap_err();
    assert!(!error.may_have_counted(), "{error}");
    written.await.unwrap().unwrap();
    let mut looks = 0;
    while server.stats()["curr_connections"] >= before {
        looks += 1;
        assert!(looks < 500, "the connection is never closed");
        sleep(Duration::from_millis(10)).await;
    }
}
