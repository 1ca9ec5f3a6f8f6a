//! Namespaces, and clearing them.

use std::time::Duration;

use traffik::{Backend, ErrorKind, Identity};
use traffik_tests::MemcachedServer;

use super::{PATIENCE, connect, settings, throttle};

async fn named(server: &MemcachedServer, namespace: &str) -> Backend {
    let backend = Backend::memcached(server.url()).namespace(namespace);
    let backend = backend.timeout(PATIENCE).track_keys(true);
    backend.connect().await.unwrap()
}

#[tokio::test]
async fn separates_namespaces() {
    let server = MemcachedServer::start();
    let namespaces = [
        "*",
        "a",
        "ab",
        "a:b",
        "{a}",
        "a%3Ab",
        "",
        "a b\r\n",
        "é",
        &"x".repeat(300),
    ];
    let mut backends = Vec::new();
    for namespace in namespaces {
        let backend = named(&server, namespace).await;
        for key in 0..10 {
            backend
                .set(&key.to_string(), namespace, None)
                .await
                .unwrap();
        }
        backends.push(backend);
    }
    for (place, backend) in backends.iter().enumerate() {
        for (other, namespace) in backends.iter().zip(namespaces).skip(place) {
            let value = other.get("7").await.unwrap();
            assert_eq!(
                value.as_deref(),
                Some(namespace.as_bytes()),
                "after {place}"
            );
        }
        backend.clear().await.unwrap();
        for key in 0..10 {
            assert_eq!(backend.get(&key.to_string()).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn is_unsupported_without_tracking() {
    let server = MemcachedServer::start();
    let error = connect(&server).await.clear().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

/// A clear removes values and states for every client of the namespace, also for those that have
/// read its number before.
#[tokio::test]
async fn clears_for_all_clients_of_the_namespace() {
    let server = MemcachedServer::start();
    let (first, second) = (named(&server, "ns").await, named(&server, "ns").await);
    // The second client notices at once what the first has cleared.
    let second = second.local_refusals(Duration::ZERO);
    let client = Identity::new("user");
    for _ in 0..3 {
        let throttle = throttle(&second, "2/day");
        for _ in 0..2 {
            assert!(throttle.hit(&client, 1).await.unwrap().admitted);
        }
        assert!(!throttle.hit(&client, 1).await.unwrap().admitted);
        assert_eq!(second.increment("n", 1).await.unwrap(), 1);
        first.clear().await.unwrap();
        assert_eq!(second.get("n").await.unwrap(), None);
        assert_eq!(throttle.stat(&client).await.unwrap().hits_remaining, 2);
    }
}

/// Cleared values do not return when the server evicts the number of the namespace.
#[tokio::test]
async fn keeps_values_cleared_after_an_eviction_of_the_number() {
    let server = MemcachedServer::start();
    let backend = named(&server, "ns").await;
    backend.set("key", "old", None).await.unwrap();
    backend.clear().await.unwrap();
    server.command("md {ns} q\r\nmn", "MN");
    assert_eq!(backend.get("key").await.unwrap(), None);
    backend.set("key", "new", None).await.unwrap();
    // A malformed number is not an error.
    server.command("set {ns} 0 0 4\r\nfour", "STORED");
    assert_eq!(backend.get("key").await.unwrap(), None);
    backend.set("key", "again", None).await.unwrap();
    assert!(backend.get("key").await.unwrap().is_some());
}

/// Tracking writes nothing, however often a key is written; it costs one read per exchange.
#[tokio::test]
async fn reads_the_number_once_per_exchange() {
    let server = MemcachedServer::start();
    let backend = named(&server, "ns").await;
    let throttle = throttle(&backend, "1000/day");
    let client = Identity::new("user");
    throttle.hit(&client, 1).await.unwrap();
    let (before, commands) = (server.stats(), server.command_count());
    for _ in 0..500 {
        throttle.hit(&client, 1).await.unwrap();
    }
    let after = server.stats();
    assert_eq!(server.command_count() - commands, 1_000);
    assert_eq!(after["cmd_set"], before["cmd_set"]);
    assert_eq!(after["curr_items"], 2);
}

/// Closing a backend clears nothing that others share, unless it is configured to.
#[tokio::test]
async fn clears_on_close_only_if_not_persistent() {
    let server = MemcachedServer::start();
    let (first, second) = (named(&server, "ns").await, named(&server, "ns").await);
    first.set("key", "1", None).await.unwrap();
    first.close().await.unwrap();
    let error = first.get("key").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    assert!(second.get("key").await.unwrap().is_some());
    let wiping = Backend::memcached(server.url())
        .namespace("ns")
        .persistent(false);
    let wiping = wiping.timeout(PATIENCE).connect().await.unwrap();
    wiping.close().await.unwrap();
    assert_eq!(second.get("key").await.unwrap(), None);
}

/// Concurrent tasks clear over the sockets of a pool.
#[tokio::test(flavor = "multi_thread")]
async fn clears_under_concurrent_tasks() {
    let server = MemcachedServer::start();
    let backend = settings(server.url())
        .track_keys(true)
        .connect()
        .await
        .unwrap();
    let keys: Vec<_> = (0..1_000).map(|key| key.to_string()).collect();
    let entries: Vec<_> = keys.iter().map(|key| (&**key, key)).collect();
    backend
        .multi_set(&entries, Some(Duration::from_secs(60)))
        .await
        .unwrap();
    let names: Vec<_> = keys.iter().map(|key| &**key).collect();
    let values = backend.multi_get(&names).await.unwrap();
    let expected = keys.iter().map(|key| Some(key.clone().into_bytes()));
    assert!(values.into_iter().eq(expected));
    backend.clear().await.unwrap();
    assert!(
        backend
            .multi_get(&names)
            .await
            .unwrap()
            .iter()
            .all(Option::is_none)
    );
}
