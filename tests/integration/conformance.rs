//! Every store passes the conformance suite, and the suite detects stores that do not conform.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;
use traffik::testing::{Fault, FlakyStore, conformance};
use traffik::{Backend, Error, ErrorKind, Store};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisCluster, RedisServer};

use crate::memcached::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    conformance(async |_: &str| Backend::memory()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_on_a_custom_store() {
    conformance(async |_: &str| ExpiringStore::default()).await;
}

async fn conforms_on_redis(url: &str) {
    conformance(async |namespace: &str| {
        let backend = Backend::redis(url).namespace(namespace);
        backend.timeout(PATIENCE).connect().await.unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis() {
    let server = RedisServer::start();
    conforms_on_redis(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_cluster() {
    let cluster = RedisCluster::start();
    conforms_on_redis(&cluster.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memcached() {
    let server = MemcachedServer::start();
    for track_keys in [false, true] {
        conformance(async |namespace: &str| {
            let backend = Backend::memcached(server.url()).track_keys(track_keys);
            let backend = backend.namespace(format!("{namespace} {track_keys}"));
            backend.timeout(PATIENCE).connect().await.unwrap()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_on_several_memcached_servers() {
    let servers = [(); 3].map(|()| MemcachedServer::start());
    let urls: Vec<_> = servers.iter().map(MemcachedServer::url).collect();
    conformance(async |namespace: &str| {
        let backend = Backend::memcached(&*urls)
            .track_keys(true)
            .namespace(namespace);
        backend.timeout(PATIENCE).connect().await.unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_on_a_flaky_store_without_faults() {
    conformance(async |_: &str| FlakyStore::new()).await;
    conformance(async |_: &str| FlakyStore::over(ExpiringStore::default())).await;
}

/// A store with one defect.
struct DefectiveStore {
    store: ExpiringStore,
    defect: Defect,
    calls: AtomicU32,
}

#[derive(Clone, Copy)]
enum Defect {
    /// Reads and writes are not atomic.
    Race,
    Early,
    Never,
    Swaps,
    /// Some operations fail.
    Fails,
}

impl Store for DefectiveStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(key).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let (mut expected, mut ttl) = (expected.map(<[u8]>::to_vec), ttl);
        match self.defect {
            Defect::Race => {
                if self.store.get(key).await? != expected {
                    return Ok(false);
                }
                tokio::task::yield_now().await;
                // The defect itself: a gap between the comparison and the write.
                tokio::time::sleep(Duration::from_micros(100)).await;
                expected = self.store.get(key).await?;
            }
            Defect::Early => ttl = ttl.map(|ttl| ttl / 4),
            Defect::Never => ttl = ttl.map(|_| Duration::MAX),
            Defect::Swaps => expected = self.store.get(key).await?,
            Defect::Fails if call % 50 == 49 => {
                return Err(Error::Connection {
                    source: "away".into(),
                });
            }
            Defect::Fails => {}
        }
        let swapped = self
            .store
            .compare_and_swap(key, expected.as_deref(), new, ttl);
        swapped.await
    }
}

/// Returns the message with which the suite rejects a defective store.
fn rejection_of(defect: Defect) -> String {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let wrong = async |_: &str| DefectiveStore {
        store: ExpiringStore::default(),
        defect,
        calls: AtomicU32::new(0),
    };
    let checked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(conformance(wrong))));
    let panic = checked.expect_err("it was noticed");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap()
}

#[test]
fn rejects_defective_stores() {
    for (defect, part) in [
        (Defect::Race, "by more or fewer than one"),
        (Defect::Early, "ended"),
        (Defect::Never, "did not end"),
        (Defect::Swaps, "a missing key was swapped"),
        (Defect::Fails, "failed"),
    ] {
        let message = rejection_of(defect);
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn fails_as_the_test_demands_on_a_flaky_store() {
    let store = FlakyStore::new();
    let backend = Backend::custom(store.clone());
    backend.set("n", "1", None).await.unwrap();
    assert_eq!(store.calls(), 1);

    store.fail_times(2, Fault::Refuse);
    for _ in 0..2 {
        let error = backend.increment("n", 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(!error.may_have_counted());
    }
    assert_eq!(backend.increment("n", 1).await.unwrap(), 2);

    store.fail(Fault::Lose);
    let error = backend.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.may_have_counted());
    store.heal();
    assert_eq!(backend.increment("n", 1).await.unwrap(), 4);

    store.fail(Fault::TimeOut);
    let error = backend.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);

    tokio::time::pause();
    store.fail(Fault::Hang);
    let hangs = tokio::time::timeout(Duration::from_secs(3_600), backend.increment("n", 1));
    assert!(hangs.await.is_err());
    let start = tokio::time::Instant::now();
    store.fail(Fault::Delay(Duration::from_secs(60)));
    assert_eq!(backend.increment("n", 1).await.unwrap(), 6);
    assert!(start.elapsed() >= Duration::from_secs(60));
    assert_eq!(store.calls(), 9);
}
