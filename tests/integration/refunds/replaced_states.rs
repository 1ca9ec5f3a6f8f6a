//! Refunds of hits whose state is gone: they do not change a state that was created after the hit
//! (L32).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::request::Parts;
use traffik::strategy::{FixedWindow, SlidingLog, Strategy, TokenBucket};
use traffik::{
    Backend, DynThrottle, Error, Identity, ManualClock, MemoryBackend, Reservation, Store,
    Throttle as _,
};
use traffik_tests::{Budget, MemcachedServer, OpenStore, RedisServer};

use crate::memcached::PATIENCE;
use crate::memory::each;

use super::{Everyone, Mine, left, request};

/// Builds a throttle for every strategy, for lists of rates and for a custom strategy, each of
/// which admits ten units an hour.
fn throttles(backend: &Backend) -> Vec<(&'static str, DynThrottle)> {
    fn of(backend: &Backend, name: &str, rates: &[&str], strategy: impl Strategy) -> DynThrottle {
        let rates = rates.iter().map(|rate| rate.parse().unwrap());
        let throttle = rates.fold(DynThrottle::builder(name), |throttle, rate| {
            throttle.rate(rate)
        });
        let throttle = throttle.strategy(strategy).backend(backend.clone());
        throttle.build().unwrap()
    }
    let list = ["10/hour", "50/day"];
    let mut throttles = Vec::from(each(backend, 10));
    throttles.extend([
        ("windows", of(backend, "windows", &list, FixedWindow::new())),
        ("buckets", of(backend, "buckets", &list, TokenBucket::new())),
        ("logs", of(backend, "logs", &list, SlidingLog::new())),
        ("budget", of(backend, "budget", &["10/hour"], Budget::new())),
        ("budgets", of(backend, "budgets", &list, Budget::new())),
    ]);
    throttles
}

async fn remaining(throttle: &DynThrottle, client: &Identity) -> u64 {
    throttle.stat(client).await.unwrap().hits_remaining
}

/// A client of a throttle, and reservations of nearly all its units.
struct Reserved {
    name: &'static str,
    throttle: DynThrottle,
    cancelled: Reservation,
    settled: Reservation,
    dropped: Reservation,
    charged: Reservation,
}

fn client() -> Identity {
    Identity::new("client")
}

impl Reserved {
    async fn new((name, throttle): (&'static str, DynThrottle)) -> Self {
        let reserve = async |cost| {
            let reservation = throttle.reserve(&client(), cost).await.unwrap();
            assert!(reservation.decision().admitted, "{name}");
            reservation
        };
        Self {
            name,
            cancelled: reserve(3).await,
            settled: reserve(3).await,
            dropped: reserve(2).await,
            charged: reserve(1).await,
            throttle,
        }
    }

    /// Hits again and refunds everything: charges of the earlier states do not reduce the new ones,
    /// and charges of the new ones do. Returns the remaining units, and a reservation of two units
    /// that is still open.
    async fn settle(self) -> (u64, Reservation) {
        let Self {
            name,
            throttle,
            cancelled,
            settled,
            dropped,
            charged,
        } = self;
        let left = async || remaining(&throttle, &client()).await;
        assert_eq!(left().await, 10, "{name}");
        assert!(throttle.hit(&client(), 2).await.unwrap().admitted, "{name}");
        let anew = throttle.reserve(&client(), 2).await.unwrap();
        let before = left().await;
        cancelled.cancel().await.unwrap();
        assert_eq!(left().await, before, "{name}: cancelled");
        settled.settle(1).await.unwrap();
        assert_eq!(left().await, before, "{name}: settled");
        // A use beyond the reservation is charged to the new state.
        charged.settle(2).await.unwrap();
        assert_eq!(left().await, before - 1, "{name}: charged");
        anew.settle(1).await.unwrap();
        assert_eq!(left().await, before, "{name}: anew");
        (before, dropped)
    }
}

#[tokio::test]
async fn are_ignored_after_a_clear_of_memory() {
    let backend = MemoryBackend::builder().clock(ManualClock::new()).build();
    for one in throttles(&backend) {
        let (name, throttle) = one.clone();
        let reserved = Reserved::new(one).await;
        backend.clear().await.unwrap();
        let (before, dropped) = reserved.settle().await;
        drop(dropped);
        assert_eq!(remaining(&throttle, &client()).await, before, "{name}");
    }
}

#[tokio::test]
async fn are_ignored_after_an_eviction_from_memory() {
    for place in 0..throttles(&Backend::memory()).len() {
        let settings = MemoryBackend::builder().capacity(64);
        let backend = settings.clock(ManualClock::new()).build();
        let (name, throttle) = throttles(&backend).swap_remove(place);
        let reserved = Reserved::new((name, throttle.clone())).await;
        // The throttle's other clients are nearer to their limits.
        let mut others = 0_u64..100_000;
        while remaining(&throttle, &client()).await < 10 {
            let other = Identity::from(others.next().expect("room for the client"));
            throttle.hit(&other, 10).await.unwrap();
        }
        let (before, dropped) = reserved.settle().await;
        drop(dropped);
        assert_eq!(remaining(&throttle, &client()).await, before, "{name}");
    }
}

/// A custom strategy cannot tell from its state that the earlier one has expired.
#[tokio::test]
async fn are_ignored_after_an_expiry_in_memory() {
    let clock = ManualClock::new();
    let backend = Backend::memory().clock(clock.clone());
    let budget = DynThrottle::builder("budget").rate("10/hour".parse().unwrap());
    let budget = budget
        .strategy(Budget::new())
        .backend(backend)
        .build()
        .unwrap();
    let reservation = budget.reserve(&client(), 5).await.unwrap();
    clock.advance(Duration::from_secs(3_600));
    assert!(budget.hit(&client(), 3).await.unwrap().admitted);
    reservation.cancel().await.unwrap();
    assert_eq!(remaining(&budget, &client()).await, 7);
}

/// Checks a store whose states the test removes behind the backend.
async fn check(
    connect: impl AsyncFn() -> Backend,
    is_checked: impl Fn(&str) -> bool,
    remove: impl FnOnce(),
) {
    let clock = ManualClock::new();
    let on = |backend: &Backend| {
        let all = throttles(&backend.clone().clock(clock.clone())).into_iter();
        all.filter(|(name, _)| is_checked(name)).collect::<Vec<_>>()
    };
    let backend = connect().await;
    let mut reserved = Vec::new();
    for throttle in on(&backend) {
        reserved.push(Reserved::new(throttle).await);
    }
    remove();
    let mut expected = Vec::new();
    for reserved in reserved {
        let (before, dropped) = reserved.settle().await;
        drop(dropped);
        expected.push(before);
    }
    // The background refunds are complete.
    backend.close().await.unwrap();
    for ((name, throttle), before) in on(&connect().await).into_iter().zip(expected) {
        assert_eq!(remaining(&throttle, &client()).await, before, "{name}");
    }
}

#[tokio::test]
async fn are_ignored_after_a_flush_of_redis() {
    let server = RedisServer::start();
    let connect = async || {
        let backend = Backend::redis(server.url()).timeout(PATIENCE);
        backend.connect().await.unwrap()
    };
    check(connect, |_| true, || server.command(&["FLUSHALL"])).await;
}

#[tokio::test]
async fn are_ignored_after_a_flush_of_memcached() {
    let server = MemcachedServer::start();
    let connect = async || {
        let backend = Backend::memcached(server.url()).timeout(PATIENCE);
        backend.connect().await.unwrap()
    };
    // Counts of windows are numbers that Memcached stores natively.
    let is_native = ["fixed window", "tiered", "time of day", "windows"];
    let is_swapped = |name: &str| !is_native.contains(&name);
    check(connect, is_swapped, || server.flush_all()).await;
}

/// A store that springs a trap: the first read of a single client's state removes everyone's state
/// and replaces it by that of another hit.
#[derive(Clone, Default)]
struct TrappedStore {
    store: OpenStore,
    /// The head of the request that makes the other hit, while the trap is set.
    trap: Arc<Mutex<Option<Parts>>>,
}

impl Store for TrappedStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let is_mine = |key: &str| key.contains(":me}");
        let trap = self.trap.lock().unwrap().take_if(|_| is_mine(key));
        if let Some(head) = trap {
            self.store.retain(is_mine);
            Box::pin(Everyone::hit(&head)).await?;
        }
        self.store.get(key).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        self.store.compare_and_swap(key, expected, new, ttl).await
    }
}

#[tokio::test]
async fn are_ignored_after_a_custom_store_was_emptied() {
    let store = OpenStore::default();
    let connect = async || Backend::custom(store.clone());
    check(connect, |_| true, || store.retain(|_| false)).await;
}

/// A set whose last member refuses refunds the first one, if its state still exists.
#[tokio::test]
async fn of_a_set_are_ignored_after_its_state_was_removed() {
    let trapped = TrappedStore::default();
    let head = request(&Backend::custom(trapped.clone()));
    assert!(Mine::hit(&head).await.unwrap().admitted);
    *trapped.trap.lock().unwrap() = Some(head.clone());
    assert!(!<(Everyone, Mine)>::hit(&head).await.unwrap().admitted);
    assert!(trapped.trap.lock().unwrap().is_none(), "it was read");
    assert_eq!(left::<Everyone, _>(&head).await, 299);
    // No state was removed meanwhile.
    assert!(!<(Everyone, Mine)>::hit(&head).await.unwrap().admitted);
    assert_eq!(left::<Everyone, _>(&head).await, 299);
}
