//! What traffik needs of a store holds for all of them; and where it does not, that is noticed.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use traffik::testing::{FlakyStore, Trouble, conformance};
use traffik::{Backend, Error, ErrorKind, Store};
use traffik_tests::{MemcachedServer, RedisCluster, RedisServer};

use crate::memcached::PATIENCE;

type Entry = (Vec<u8>, Option<Instant>);

/// A store of a user's own: no more than there has to be.
#[derive(Default)]
pub(crate) struct Map(Mutex<HashMap<String, Entry>>);

impl Store for Map {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let entries = self.0.lock().unwrap();
        let live = entries.get(key);
        let live = live.filter(|(_, expires)| expires.is_none_or(|at| at > Instant::now()));
        Ok(live.map(|(value, _)| value.clone()))
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let mut entries = self.0.lock().unwrap();
        let now = Instant::now();
        let live = entries.get(key);
        let live = live.filter(|(_, expires)| expires.is_none_or(|at| at > now));
        if live.map(|(value, _)| &**value) != expected {
            return Ok(false);
        }
        let kept = live.and_then(|(_, expires)| *expires);
        let expires = ttl.map_or(kept, |ttl| now.checked_add(ttl));
        match new {
            Some(new) => entries.insert(key.to_owned(), (new.to_vec(), expires)),
            None => entries.remove(key),
        };
        Ok(true)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    conformance(async |_: &str| Backend::memory()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_ones_own() {
    conformance(async |_: &str| Map::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis() {
    let server = RedisServer::start();
    conformance(async |namespace: &str| {
        let backend = Backend::redis(server.url()).namespace(namespace);
        backend.timeout(PATIENCE).connect().await.unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_cluster() {
    let cluster = RedisCluster::start();
    conformance(async |namespace: &str| {
        let backend = Backend::redis(cluster.url()).namespace(namespace);
        backend.timeout(PATIENCE).connect().await.unwrap()
    })
    .await;
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
async fn several_memcached() {
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
async fn a_flaky_store_that_is_well() {
    conformance(async |_: &str| FlakyStore::new()).await;
    conformance(async |_: &str| FlakyStore::over(Map::default())).await;
}

/// A store that is wrong in one way.
struct Wrong {
    map: Map,
    how: How,
    calls: AtomicU32,
}

#[derive(Clone, Copy)]
enum How {
    /// Looks and writes are two things.
    Race,
    Early,
    Never,
    Swaps,
    /// Once in a while.
    Fails,
}

impl Store for Wrong {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.map.get(key).await
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
        match self.how {
            How::Race => {
                if self.map.get(key).await? != expected {
                    return Ok(false);
                }
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_micros(100)).await;
                expected = self.map.get(key).await?;
            }
            How::Early => ttl = ttl.map(|ttl| ttl / 4),
            How::Never => ttl = ttl.map(|_| Duration::MAX),
            How::Swaps => expected = self.map.get(key).await?,
            How::Fails if call % 50 == 49 => {
                return Err(Error::Connection {
                    source: "away".into(),
                });
            }
            How::Fails => {}
        }
        let swapped = self
            .map
            .compare_and_swap(key, expected.as_deref(), new, ttl);
        swapped.await
    }
}

/// What the suite says of a store that is wrong.
fn said(how: How) -> String {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let wrong = async |_: &str| Wrong {
        map: Map::default(),
        how,
        calls: AtomicU32::new(0),
    };
    let checked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(conformance(wrong))));
    let panic = checked.expect_err("it was noticed");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap()
}

#[test]
fn stores_that_are_wrong_are_found_out() {
    for (how, part) in [
        (How::Race, "by more or fewer than one"),
        (How::Early, "ended"),
        (How::Never, "did not end"),
        (How::Swaps, "a missing key was swapped"),
        (How::Fails, "failed"),
    ] {
        let said = said(how);
        assert!(said.contains(part), "{said}");
    }
}

#[tokio::test]
async fn a_flaky_store_does_as_it_is_told() {
    let store = FlakyStore::new();
    let backend = Backend::custom(store.clone());
    backend.set("n", "1", None).await.unwrap();
    assert_eq!(store.calls(), 1);

    store.fail_times(2, Trouble::Refuse);
    for _ in 0..2 {
        let error = backend.increment("n", 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(!error.may_have_counted());
    }
    assert_eq!(backend.increment("n", 1).await.unwrap(), 2);

    store.fail(Trouble::Lose);
    let error = backend.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.may_have_counted());
    store.heal();
    assert_eq!(backend.increment("n", 1).await.unwrap(), 4);

    store.fail(Trouble::TimeOut);
    let error = backend.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);

    tokio::time::pause();
    store.fail(Trouble::Hang);
    let hangs = tokio::time::timeout(Duration::from_secs(3_600), backend.increment("n", 1));
    assert!(hangs.await.is_err());
    let start = tokio::time::Instant::now();
    store.fail(Trouble::Delay(Duration::from_secs(60)));
    assert_eq!(backend.increment("n", 1).await.unwrap(), 6);
    assert!(start.elapsed() >= Duration::from_secs(60));
    assert_eq!(store.calls(), 9);
}
