//! Locks on one backend of every kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::{Backend, Error, ErrorKind, LockOptions, Store};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisServer};

use crate::memcached;

use super::{connect, text};

type Servers = (RedisServer, MemcachedServer);

async fn kinds() -> (Servers, [(&'static str, Backend); 3]) {
    let servers = (RedisServer::start(), MemcachedServer::start());
    let redis = connect(&servers.0).await;
    let memcached = memcached::connect(&servers.1).await;
    let kinds = [
        ("memory", Backend::memory()),
        ("redis", redis),
        ("memcached", memcached),
    ];
    (servers, kinds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn serializes_ten_tasks() {
    let (_server, kinds) = kinds().await;
    for (name, backend) in kinds {
        backend.set("value", "0", None).await.unwrap();
        let mut tasks = JoinSet::new();
        for _ in 0..10 {
            let backend = backend.clone();
            tasks.spawn(async move {
                let lock = backend.lock("value", LockOptions::default()).await.unwrap();
                let value = text(backend.get("value").await.unwrap()).unwrap();
                let value: u32 = value.parse().unwrap();
                tokio::task::yield_now().await;
                let value = (value + 1).to_string();
                backend.set("value", value, None).await.unwrap();
                lock.release().await.unwrap();
            });
        }
        tasks.join_all().await;
        let value = text(backend.get("value").await.unwrap());
        assert_eq!(value.as_deref(), Some("10"), "{name}");
    }
}

#[tokio::test]
async fn reports_a_lock_that_is_not_acquired() {
    let (_server, kinds) = kinds().await;
    for (name, backend) in kinds {
        let lock = backend.lock("a", LockOptions::default()).await.unwrap();
        assert_eq!(lock.name(), "a");
        let at_once = LockOptions::default().blocking(false);
        let start = Instant::now();
        let error = backend.lock("a", at_once).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockTimeout, "{name}");
        let soon = LockOptions::default().blocking_timeout(Duration::from_millis(100));
        let error = backend.lock("a", soon).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockTimeout, "{name}");
        assert!(!error.may_have_counted());
        let took = start.elapsed();
        assert!(
            took >= Duration::from_millis(100) && took < Duration::from_secs(3),
            "{took:?}"
        );
        drop(backend.lock("b", at_once).await.expect("another lock"));
        lock.release().await.unwrap();
        drop(backend.lock("a", at_once).await.expect("it was released"));
    }
}

/// A lock always has a time to live, so a crashed holder blocks others no longer than that.
#[tokio::test]
async fn expires_with_a_crashed_holder() {
    let ((server, _memcached), kinds) = kinds().await;
    for (name, backend) in kinds {
        let ttl = Duration::from_micros(400_500);
        let start = Instant::now();
        let lock = backend
            .lock("a", LockOptions::default().ttl(ttl))
            .await
            .unwrap();
        assert!(lock.remaining() <= ttl && lock.remaining() > ttl / 2);
        if name == "redis" {
            let keys: Vec<String> = server.command(&["KEYS", "*:lock}"]);
            let left: i64 = server.command(&["PTTL", &keys[0]]);
            assert!((1..=401).contains(&left), "{left}");
        }
        std::mem::forget(lock);
        drop(backend.lock("a", LockOptions::default()).await.unwrap());
        assert!(start.elapsed() >= Duration::from_millis(390), "{name}");
    }
}

#[tokio::test]
async fn releases_on_drop() {
    let (_server, kinds) = kinds().await;
    for (_, backend) in kinds {
        for _ in 0..10 {
            let soon = LockOptions::default().blocking_timeout(Duration::from_secs(2));
            drop(backend.lock("a", soon).await.expect("it was released"));
        }
    }
}

/// An expired lock may belong to another holder: releasing it changes nothing, and the first holder
/// gets an error.
#[tokio::test]
async fn does_not_release_the_lock_of_a_later_holder() {
    let (_server, kinds) = kinds().await;
    for (name, backend) in kinds {
        let short = LockOptions::default().ttl(Duration::from_millis(50));
        let late = backend.lock("a", short).await.unwrap();
        let second = backend.lock("a", LockOptions::default()).await.unwrap();
        assert_eq!(late.remaining(), Duration::ZERO);
        let error = late.release().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockLost, "{name}");
        let at_once = LockOptions::default().blocking(false);
        assert!(backend.lock("a", at_once).await.is_err(), "{name}");
        second.release().await.unwrap();
    }
}

/// A server may take a time from before the request, and its clock may run faster.
#[tokio::test]
async fn allows_for_the_clock_of_a_server() {
    let (_server, kinds) = kinds().await;
    for (name, backend) in kinds {
        let options = LockOptions::default().ttl(Duration::from_secs(10));
        let lock = backend.lock("a", options).await.unwrap();
        let is_less = lock.remaining() <= Duration::from_millis(9_898);
        assert_eq!(is_less, name != "memory", "{name}: {lock:?}");
    }
}

/// A cancelled acquisition leaves no lock behind.
#[tokio::test]
async fn leaves_no_lock_after_a_cancelled_acquisition() {
    let ((server, _memcached), kinds) = kinds().await;
    for (_, backend) in kinds {
        for micros in (0..2_000).step_by(20) {
            let options = LockOptions::default().ttl(Duration::from_secs(600));
            let acquiring = backend.lock("a", options);
            let limit = Duration::from_micros(micros);
            let lock = tokio::time::timeout(limit, acquiring).await;
            drop(lock);
        }
        let soon = LockOptions::default().blocking_timeout(Duration::from_secs(5));
        let lock = backend.lock("a", soon).await.expect("the lock is free");
        lock.release().await.unwrap();
    }
    let keys: Vec<String> = server.command(&["KEYS", "*"]);
    assert_eq!(keys, [""; 0]);
}

/// If operations use several sockets, a release can overtake the acquisition that was cancelled.
#[tokio::test(start_paused = true)]
async fn leaves_no_lock_after_an_overtaken_acquisition() {
    /// A store that delays its first swap until after later ones.
    #[derive(Clone, Default)]
    struct DelayedStore(Arc<(ExpiringStore, AtomicBool)>);

    impl Store for DelayedStore {
        async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
            self.0.0.get(key).await
        }

        async fn compare_and_swap(
            &self,
            key: &str,
            expected: Option<&[u8]>,
            new: Option<&[u8]>,
            ttl: Option<Duration>,
        ) -> Result<bool, Error> {
            if self.0.1.swap(true, Ordering::SeqCst) {
                return self.0.0.compare_and_swap(key, expected, new, ttl).await;
            }
            let (slow, key, new) = (self.clone(), key.to_owned(), new.map(<[u8]>::to_vec));
            let late = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let map = &slow.0.0;
                map.compare_and_swap(&key, None, new.as_deref(), ttl).await
            });
            late.await.expect("it does not panic")
        }
    }

    let backend = Backend::custom(DelayedStore::default());
    let options = LockOptions::default().ttl(Duration::from_secs(600));
    let limit = Duration::from_millis(10);
    let cancelled = tokio::time::timeout(limit, backend.lock("a", options)).await;
    assert!(cancelled.is_err());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let at_once = options.blocking(false);
    let error = backend.lock("a", at_once).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockTimeout, "it was acquired late");
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(backend.lock("a", at_once).await.expect("it was released"));
}

#[tokio::test]
async fn refuses_a_lock_without_a_lifetime() {
    let options = LockOptions::default().ttl(Duration::ZERO);
    let error = Backend::memory().lock("a", options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn reports_an_unreachable_server() {
    let mut server = RedisServer::start();
    let backend = connect(&server).await;
    server.kill();
    let error = backend.lock("a", LockOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
}
