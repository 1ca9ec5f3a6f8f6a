//! Clients that hang up: their dropped operations cost no connections.

use std::time::Duration;

use tokio::time::timeout;
use traffik::Identity;
use traffik_tests::{MemcachedServer, Proxy};

use super::{settings, throttle};

#[tokio::test(flavor = "multi_thread")]
async fn keeps_connections_of_dropped_operations() {
    let server = MemcachedServer::start();
    let proxy = Proxy::start(server.port()).await;
    let backend = settings(proxy.address().to_string()).pool_size(8);
    let backend = backend.connect().await.unwrap();
    let throttle = throttle(&backend, "1000000/day");
    let client = Identity::new("client");
    proxy.delay(Duration::from_millis(5));
    let connected = || server.stats()["total_connections"];
    let before = connected();
    for _ in 0..100 {
        let hit = throttle.hit(&client, 1);
        let answered = timeout(Duration::from_millis(3), hit).await;
        assert!(answered.is_err(), "it was not dropped");
    }
    // A caller that stays gets its reply.
    for _ in 0..10 {
        assert!(throttle.hit(&client, 1).await.unwrap().admitted);
    }
    // The connections of the pool, and the one that reads the statistics.
    let made = connected() - before;
    assert!(made <= 8 + 1, "{made}");
}

/// An operation that is never answered ends at its timeout, also if its caller was dropped.
#[tokio::test(flavor = "multi_thread")]
async fn ends_dropped_operations_on_a_stalled_server() {
    let server = MemcachedServer::start();
    let backend = settings(server.url()).pool_size(2);
    let backend = backend.timeout(Duration::from_millis(250)).connect().await;
    let throttle = throttle(&backend.unwrap(), "1000000/day");
    let client = Identity::new("client");
    server.stop();
    for _ in 0..20 {
        let hit = throttle.hit(&client, 1);
        let answered = timeout(Duration::from_millis(10), hit).await;
        assert!(answered.is_err(), "it was not dropped");
    }
    server.resume();
    let mut answered = false;
    for _ in 0..100 {
        answered = throttle.hit(&client, 1).await.is_ok();
        if answered {
            break;
        }
    }
    assert!(answered);
}
