//! Namespaces, and what is cleared with them.

use std::time::Duration;

use traffik::{Backend, ErrorKind, Identity};
use traffik_tests::MemcachedServer;

use super::{PATIENCE, connect, settings, throttle};

async fn named(server: &MemcachedServer, namespace: &str) -> Backend {
    let backend = Backend::memcached(server.url()).namespace(namespace);
    let backend = backend.timeout(PATIENCE).track_keys(true);
    backend.connect().await.unwrap()
}

/// Lessons C 77.
#[tokio::test]
async fn namespaces_apart() {
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

/// D13.
#[tokio::test]
async fn without_tracking_it_cannot_be_done() {
    let server = MemcachedServer::start();
    let error = connect(&server).await.clear().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

/// What one clears is gone for all, values and states, also for those who have read the number
/// before.
#[tokio::test]
async fn for_all_who_share_it() {
    let server = MemcachedServer::start();
    let (first, second) = (named(&server, "ns").await, named(&server, "ns").await);
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

/// What was cleared does not come back when the server forgets the number.
#[tokio::test]
async fn what_was_cleared_stays_cleared() {
    let server = MemcachedServer::start();
    let backend = named(&server, "ns").await;
    backend.set("key", "old", None).await.unwrap();
    backend.clear().await.unwrap();
    server.command("md {ns} q\r\nmn", "MN");
    assert_eq!(backend.get("key").await.unwrap(), None);
    backend.set("key", "new", None).await.unwrap();
    // Nor is a number that is none an error.
    server.command("set {ns} 0 0 4\r\nfour", "STORED");
    assert_eq!(backend.get("key").await.unwrap(), None);
    backend.set("key", "again", None).await.unwrap();
    assert!(backend.get("key").await.unwrap().is_some());
}

/// Lessons A 32: tracking writes nothing, however often a key is written to; all it costs is a read
/// in each exchange.
#[tokio::test]
async fn what_tracking_costs() {
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

/// Lessons A 26, C 79: one that stops wipes nothing that others share, unless it was told to.
#[tokio::test]
async fn closing() {
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

/// Many at once keep to it, on sockets of a pool.
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once() {
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
