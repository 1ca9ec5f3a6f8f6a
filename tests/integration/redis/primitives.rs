//! The primitives behave alike on memory, Redis, a Cluster, Memcached and a store with only the two
//! required methods.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use traffik::{Backend, ErrorKind};
use traffik_tests::ExpiringStore;

use crate::memcached;

use super::{Shared, connect, settings, shared, text};

/// Every kind of backend, with its servers.
struct Kinds {
    backends: Vec<(&'static str, Backend)>,
    _servers: Arc<Shared>,
}

impl Kinds {
    async fn start() -> Self {
        let servers = shared();
        let on_cluster = settings(servers.cluster.url()).connect().await;
        let several = settings(servers.server.url())
            .connections(4)
            .connect()
            .await;
        Self {
            backends: vec![
                ("memory", Backend::memory()),
                ("a custom store", Backend::custom(ExpiringStore::default())),
                ("redis", connect(&servers.server).await),
                ("four sockets", several.unwrap()),
                ("cluster", on_cluster.unwrap()),
                ("memcached", memcached::connect(&servers.memcached).await),
            ],
            _servers: servers,
        }
    }
}

#[tokio::test]
async fn counts() {
    let kinds = Kinds::start().await;
    for (name, backend) in kinds.backends {
        let sums = [
            backend.increment("n", 1).await.unwrap(),
            backend.increment("n", 1).await.unwrap(),
            backend.increment("n", 5).await.unwrap(),
        ];
        assert_eq!(sums, [1, 2, 7], "{name}");
        assert_eq!(text(backend.get("n").await.unwrap()).unwrap(), "7");
        assert_eq!(backend.decrement("missing", 1).await.unwrap(), -1);
        assert_eq!(text(backend.get("missing").await.unwrap()).unwrap(), "-1");
        backend.set("ten", "10", None).await.unwrap();
        for (by, left) in [(1, 9), (1, 8), (3, 5)] {
            assert_eq!(backend.decrement("ten", by).await.unwrap(), left, "{name}");
        }
    }
}

/// Numbers are exact up to the last of 64 bits, also in Lua, and no operation leaves that range.
#[tokio::test]
async fn counts_exactly_up_to_64_bits() {
    let kinds = Kinds::start().await;
    for (name, backend) in kinds.backends {
        let ttl = Duration::from_secs(60);
        let large = i64::MAX - 1;
        let sum = backend
            .increment_with_ttl("large", large, ttl)
            .await
            .unwrap();
        assert_eq!(sum, large, "{name}");
        let sum = backend.increment_with_ttl("large", 1, ttl).await.unwrap();
        assert_eq!(sum, i64::MAX, "{name}");
        for result in [
            backend.increment_with_ttl("large", 1, ttl).await,
            backend.increment("large", 1).await,
            backend.decrement("large", i64::MIN).await,
        ] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Backend, "{name}");
        }
        backend.set("word", "seven", None).await.unwrap();
        let error = backend.increment("word", 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counts_concurrent_increments() {
    let kinds = Kinds::start().await;
    for (name, backend) in kinds.backends {
        let mut tasks = JoinSet::new();
        for _ in 0..300 {
            let backend = backend.clone();
            tasks.spawn(async move { backend.increment("many", 1).await.unwrap() });
        }
        let mut sums = tasks.join_all().await;
        sums.sort_unstable();
        assert_eq!(sums, (1..=300).collect::<Vec<_>>(), "{name}");

        backend.set("both", "100", None).await.unwrap();
        let mut tasks = JoinSet::new();
        for task in 0..80 {
            let (backend, by) = (backend.clone(), if task < 50 { 1 } else { -1 });
            tasks.spawn(async move { backend.increment("both", by).await.unwrap() });
        }
        tasks.join_all().await;
        assert_eq!(text(backend.get("both").await.unwrap()).unwrap(), "120");
    }
}

#[tokio::test]
async fn keeps_the_first_time_to_live_of_a_counter() {
    let kinds = Kinds::start().await;
    for (name, backend) in kinds.backends {
        let (short, long) = (Duration::from_millis(300), Duration::from_secs(60));
        assert_eq!(
            backend.increment_with_ttl("long", 1, long).await.unwrap(),
            1
        );
        assert_eq!(
            backend.increment_with_ttl("long", 1, short).await.unwrap(),
            2
        );
        assert_eq!(
            backend.increment_with_ttl("short", 1, short).await.unwrap(),
            1
        );
        assert_eq!(
            backend.increment_with_ttl("short", 1, long).await.unwrap(),
            2
        );
        assert_eq!(backend.increment("short", 1).await.unwrap(), 3);
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(
            backend.increment_with_ttl("long", 1, short).await.unwrap(),
            3
        );
        assert_eq!(
            backend.increment_with_ttl("short", 1, short).await.unwrap(),
            1,
            "{name}"
        );
    }
}

#[tokio::test]
async fn expires_values() {
    let kinds = Kinds::start().await;
    for (name, backend) in kinds.backends {
        let short = Duration::from_millis(300);
        backend.set("gone", "1", Some(short)).await.unwrap();
        backend.set("key", "1", Some(short)).await.unwrap();
        backend.set("key", "2", None).await.unwrap();
        backend.set("expired", "1", None).await.unwrap();
        assert!(backend.expire("expired", short).await.unwrap(), "{name}");
        assert!(!backend.expire("missing", short).await.unwrap(), "{name}");
        backend.set("for ever", "1", Some(short)).await.unwrap();
        assert!(backend.expire("for ever", Duration::MAX).await.unwrap());
        assert!(!backend.expire("missing", Duration::MAX).await.unwrap());
        assert_eq!(text(backend.get("gone").await.unwrap()).unwrap(), "1");
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(backend.get("gone").await.unwrap(), None, "{name}");
        assert_eq!(backend.get("expired").await.unwrap(), None, "{name}");
        assert_eq!(text(backend.get("key").await.unwrap()).unwrap(), "2");
        assert_eq!(text(backend.get("for ever").await.unwrap()).unwrap(), "1");
        assert!(backend.delete("key").await.unwrap(), "{name}");
        assert!(!backend.delete("key").await.unwrap(), "{name}");
        assert!(!backend.delete("gone").await.unwrap(), "{name}");
    }
}

#[tokio::test]
async fn reads_and_writes_several_values() {
    let kinds = Kinds::start().await;
    for (name, backend) in kinds.backends {
        let entries: Vec<_> = (0..100)
            .map(|n| (format!("key {n}"), n.to_string()))
            .collect();
        let borrowed: Vec<_> = entries.iter().map(|(key, value)| (&**key, value)).collect();
        backend.multi_set(&borrowed, None).await.unwrap();
        let mut keys: Vec<_> = entries.iter().map(|(key, _)| &**key).collect();
        keys.reverse();
        keys.insert(50, "missing");
        let values = backend.multi_get(&keys).await.unwrap();
        for (key, value) in keys.iter().zip(values) {
            let expected = key.strip_prefix("key ");
            assert_eq!(text(value).as_deref(), expected, "{name}");
        }
        assert_eq!(backend.multi_get(&[]).await.unwrap(), [], "{name}");
        backend.multi_set::<&str>(&[], None).await.unwrap();

        let short = Some(Duration::from_millis(300));
        backend
            .multi_set(&[("a", "1"), ("b", "2")], short)
            .await
            .unwrap();
        assert!(backend.get("a").await.unwrap().is_some(), "{name}");
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(backend.multi_get(&["a", "b"]).await.unwrap(), [None, None]);
    }
}

#[tokio::test]
async fn compares_and_swaps() {
    let kinds = Kinds::start().await;
    for (name, backend) in kinds.backends {
        let swap = async |expected: Option<&[u8]>, new: Option<&[u8]>, ttl| {
            backend
                .compare_and_swap("key", expected, new, ttl)
                .await
                .unwrap()
        };
        let binary: &[u8] = b"\0+\xff\r\n";
        assert!(!swap(Some(b""), Some(b"x"), None).await, "{name}");
        assert!(
            swap(None, Some(b""), None).await,
            "{name}: an empty value is a value"
        );
        assert!(!swap(None, Some(b"x"), None).await, "{name}");
        assert!(swap(Some(b""), Some(binary), None).await, "{name}");
        assert_eq!(backend.get("key").await.unwrap().as_deref(), Some(binary));
        assert!(!swap(Some(b"other"), None, None).await, "{name}");
        assert!(swap(Some(binary), None, None).await, "{name}");
        assert_eq!(backend.get("key").await.unwrap(), None);
        assert!(
            swap(None, None, None).await,
            "{name}: nothing stays nothing"
        );

        let short = Duration::from_millis(300);
        assert!(swap(None, Some(b"1"), Some(short)).await, "{name}");
        assert!(swap(Some(b"1"), Some(b"2"), None).await, "{name}");
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(
            backend.get("key").await.unwrap(),
            None,
            "{name}: its time to live is unchanged"
        );
        assert!(swap(None, Some(b"1"), Some(short)).await, "{name}");
        assert!(swap(Some(b"1"), Some(b"2"), Some(Duration::MAX)).await);
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(backend.get("key").await.unwrap().is_some(), "{name}");
    }
}

/// Keys of any bytes are distinct.
#[tokio::test]
async fn distinguishes_keys_of_any_bytes() {
    let long = "é".repeat(1_000);
    let keys = [
        "", " ", "a b", "a:b", "a%3Ab", "{a}", "}{", "*", "[a]", "\r\n", "日本", &long,
    ];
    let kinds = Kinds::start().await;
    for (name, backend) in kinds.backends {
        for (place, key) in keys.iter().enumerate() {
            backend.set(key, place.to_string(), None).await.unwrap();
        }
        for (place, key) in keys.iter().enumerate() {
            let value = text(backend.get(key).await.unwrap());
            assert_eq!(value, Some(place.to_string()), "{name}: {key:?}");
        }
    }
}

/// A closed backend stays closed for all clones.
#[tokio::test]
async fn fails_after_it_was_closed() {
    let kinds = Kinds::start().await;
    for (name, backend) in kinds.backends {
        let clone = backend.clone();
        backend.ready().await.unwrap();
        clone.close().await.unwrap();
        // A custom store decides for itself.
        if name != "a custom store" {
            let error = backend.get("key").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection, "{name}");
            assert!(!error.may_have_counted());
            assert!(backend.ready().await.is_err(), "{name}");
        }
    }
}

/// A capacity bounds values too, and expired values make room.
#[tokio::test]
async fn bounds_values_in_memory() {
    let clock = traffik::ManualClock::new();
    let memory = traffik::MemoryBackend::builder().capacity(100);
    let backend = memory.clock(clock.clone()).build();
    for key in 0..100 {
        let ttl = Some(Duration::from_secs(key % 2 * 60));
        let ttl = ttl.filter(|ttl| !ttl.is_zero());
        backend.set(&key.to_string(), "1", ttl).await.unwrap();
    }
    let error = backend.set("more", "1", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    backend
        .set("7", "2", None)
        .await
        .expect("it is there already");
    clock.advance(Duration::from_secs(60));
    for key in 0..49 {
        backend
            .set(&format!("more {key}"), "1", None)
            .await
            .unwrap();
    }
    assert!(backend.set("one too many", "1", None).await.is_err());
}
