//! Clients that hang up: their dropped operations do not affect the connection that all clients
//! share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::Request;
use axum::routing::get;
use http::Method;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use traffik::{Backend, ErrorKind, provide, throttled};
use traffik_tests::{Proxy, RedisCluster, RedisServer, Server};

use super::{resume, settings};

/// The timeout of operations that a test makes time out.
const TIMEOUT: Duration = Duration::from_millis(250);

/// The duration of an attack.
const ATTACK: Duration = Duration::from_secs(2);

#[throttled(rate = "1000000/day", identifier = everyone)]
async fn unlimited() {}

#[throttled(rate = "5/day", identifier = everyone, on_error = allow)]
async fn five() {}

fn app(backend: Backend) -> Router {
    Router::new()
        .route("/", get(unlimited))
        .route("/five", get(five))
        .layer(provide(backend))
}

/// The responses to an ordinary client during an attack.
#[derive(Debug, Default)]
struct Ordinary {
    requests: usize,
    refused: usize,
    /// The admitted requests under `5/day`.
    admitted_of_five: usize,
}

/// Sends one request after the other until the attack is over; ten at least, however slow the
/// machine is.
async fn ordinary(server: &Server) -> Ordinary {
    let mut ordinary = Ordinary::default();
    let start = Instant::now();
    while start.elapsed() < ATTACK || ordinary.requests < 10 {
        ordinary.requests += 1;
        ordinary.refused += usize::from(server.get("/").await.status != 200);
        ordinary.admitted_of_five += usize::from(server.get("/five").await.status == 200);
    }
    ordinary
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_connection_when_requests_are_dropped() {
    let redis = RedisServer::start();
    let proxy = Proxy::start(redis.port()).await;
    let backend = settings(proxy.url()).connect().await;
    let server = Arc::new(Server::start(app(backend.unwrap())).await);
    proxy.delay(Duration::from_millis(8));
    let cut = Arc::new(AtomicUsize::new(0));
    let mut attackers = JoinSet::new();
    for _ in 0..8 {
        let (server, cut) = (server.clone(), cut.clone());
        attackers.spawn(async move {
            loop {
                let request = server.request(Method::GET, "/");
                let answer = request.timeout(Duration::from_millis(13)).send().await;
                cut.fetch_add(usize::from(answer.is_err()), Ordering::Relaxed);
            }
        });
    }
    let ordinary = ordinary(&server).await;
    attackers.shutdown().await;
    let cut = cut.load(Ordering::Relaxed);
    assert!(cut > 20, "{cut}");
    assert_eq!(ordinary.refused, 0, "{ordinary:?}");
    assert_eq!(ordinary.admitted_of_five, 5, "{ordinary:?}");
}

/// Opens 150 streams on one HTTP/2 connection and resets them after a millisecond.
async fn reset_streams(server: &Server) -> Result<(), h2::Error> {
    let socket = TcpStream::connect(server.address()).await;
    let socket = socket.expect("the server listens");
    let (mut client, connection) = h2::client::handshake(socket).await?;
    let connection = tokio::spawn(connection);
    let mut streams = Vec::new();
    for _ in 0..150 {
        client = client.ready().await?;
        let request = Request::get(format!("http://{}/", server.address()));
        let request = request.body(()).expect("a request");
        streams.push(client.send_request(request, true)?);
    }
    sleep(Duration::from_millis(1)).await;
    for (_, stream) in &mut streams {
        stream.send_reset(h2::Reason::CANCEL);
    }
    drop(streams);
    drop(client);
    let _ = timeout(Duration::from_millis(20), connection).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_connection_when_streams_are_reset() {
    let redis = RedisServer::start();
    let backend = settings(redis.url()).connect().await;
    let server = Arc::new(Server::start(app(backend.unwrap())).await);
    let reset = Arc::new(AtomicUsize::new(0));
    let mut attackers = JoinSet::new();
    for _ in 0..4 {
        let (server, reset) = (server.clone(), reset.clone());
        attackers.spawn(async move {
            loop {
                let done = reset_streams(&server).await;
                reset.fetch_add(150 * usize::from(done.is_ok()), Ordering::Relaxed);
            }
        });
    }
    let ordinary = ordinary(&server).await;
    attackers.shutdown().await;
    let reset = reset.load(Ordering::Relaxed);
    assert!(reset > 600, "{reset}");
    assert_eq!(ordinary.refused, 0, "{ordinary:?}");
    assert_eq!(ordinary.admitted_of_five, 5, "{ordinary:?}");
}

/// A connection on which every operation is dropped early is still closed if the network discards
/// everything, and it resumes with the network.
#[tokio::test(flavor = "multi_thread")]
async fn closes_a_dead_connection_on_which_all_operations_are_dropped() {
    let redis = RedisServer::start();
    let proxy = Proxy::start(redis.port()).await;
    let backend = settings(proxy.url()).timeout(TIMEOUT).connect().await;
    let backend = backend.unwrap();
    proxy.discard();
    let start = Instant::now();
    let error = loop {
        match timeout(Duration::from_millis(20), backend.increment("n", 1)).await {
            Ok(result) => break result.unwrap_err(),
            Err(_) => assert!(
                start.elapsed() < 12 * TIMEOUT,
                "the connection was never closed"
            ),
        }
    };
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(start.elapsed() > 3 * TIMEOUT, "{:?}", start.elapsed());
    proxy.forward();
    let took = resume(&backend).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// Replies after the timeout show that the server is alive.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_a_connection_with_late_replies() {
    let redis = RedisServer::start();
    let proxy = Proxy::start(redis.port()).await;
    let backend = settings(proxy.url()).timeout(TIMEOUT).connect().await;
    let backend = backend.unwrap();
    let connected: u64 = connections(&redis);
    proxy.delay(Duration::from_millis(150));
    for _ in 0..8 {
        let error = backend.increment("n", 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
    proxy.forward();
    resume(&backend).await;
    // One more, which reads the statistics.
    assert_eq!(connections(&redis), connected + 1);
}

/// A stall is one event, however many operations it delays.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_a_connection_that_stalls_once_with_many_operations_under_way() {
    let redis = RedisServer::start();
    let backend = settings(redis.url()).timeout(TIMEOUT).connect().await;
    let backend = backend.unwrap();
    let connected = connections(&redis);
    redis.stop();
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let backend = backend.clone();
        tasks.spawn(async move { backend.increment("n", 1).await.unwrap_err().kind() });
    }
    for kind in tasks.join_all().await {
        assert_eq!(kind, ErrorKind::Timeout);
    }
    redis.resume();
    backend.increment("n", 1).await.expect("it is still there");
    assert_eq!(connections(&redis), connected + 1);
}

/// Returns the number of connections that the server has accepted, including the one that reads it.
fn connections(redis: &RedisServer) -> u64 {
    let info: String = redis.command(&["INFO", "stats"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_connections_received:"));
    line.expect("a line of `INFO`").parse().expect("a number")
}

/// The connections to the nodes of a Cluster are shared likewise.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_cluster_connections_when_operations_are_dropped() {
    let cluster = RedisCluster::start();
    let backend = settings(cluster.url()).timeout(Duration::from_secs(1));
    let backend = backend.connect().await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let mut attackers = JoinSet::new();
    for attacker in 0..8 {
        let (backend, over) = (backend.clone(), over.clone());
        attackers.spawn(async move {
            let key = attacker.to_string();
            for round in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let operation = backend.increment(&key, 1);
                let _ = timeout(Duration::from_micros(round % 20 * 50), operation).await;
            }
        });
    }
    let start = Instant::now();
    let mut sum = 0;
    while start.elapsed() < ATTACK {
        sum += 1;
        assert_eq!(backend.increment("ordinary", 1).await.unwrap(), sum);
    }
    over.store(true, Ordering::Relaxed);
    attackers.join_all().await;
}
