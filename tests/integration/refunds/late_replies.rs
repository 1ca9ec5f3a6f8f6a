//! A reply after its caller was dropped is awaited, and only the charges that it reports are
//! refunded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use traffik::failure::{allow, raise};
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, DynThrottle, Error, Identity, Store, Throttle as _};
use traffik_tests::ExpiringStore;

use super::{Everyone, Mine, left, request, until_left};

fn throttle(store: &FlakyStore) -> DynThrottle {
    let throttle = DynThrottle::builder("late answers").rate("10/day".parse().unwrap());
    let throttle = throttle
        .timeout(Duration::from_millis(50))
        .on_error(raise());
    throttle
        .backend(Backend::custom(store.clone()))
        .build()
        .unwrap()
}

async fn remaining(throttle: &DynThrottle) -> u64 {
    let stat = throttle.stat(&Identity::everyone()).await;
    stat.unwrap().hits_remaining
}

/// Lets background tasks complete.
async fn settle_down() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_the_charge_of_a_hit_without_a_reply() {
    let store = FlakyStore::new();
    let throttle = throttle(&store);
    throttle.hit(&Identity::everyone(), 4).await.unwrap();
    // The read is answered, the write is not.
    store.withhold();
    throttle.hit(&Identity::everyone(), 4).await.unwrap_err();
    store.fail(Fault::Hang);
    store.release();
    tokio::time::sleep(Duration::from_secs(60)).await;
    store.heal();
    assert_eq!(remaining(&throttle).await, 2);
}

#[tokio::test(start_paused = true)]
async fn reports_a_refusal_whose_refunds_are_slow() {
    let store = FlakyStore::new();
    let backend = Backend::custom(store.clone());
    let backend = backend
        .timeout(Duration::from_millis(100))
        .on_error(allow());
    let head = request(&backend);
    assert!(Mine::hit(&head).await.unwrap().admitted);
    // Two operations for each member; those after them are refunds.
    store.fail(Fault::Delay(Duration::from_millis(30)));
    let decision = <(Everyone, Mine)>::hit(&head).await.unwrap();
    assert!(decision.decided && !decision.admitted, "{decision:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    store.heal();
    assert_eq!(left::<Everyone, _>(&head).await, 300);
}

/// A store that becomes unreachable after a number of operations.
#[derive(Clone)]
struct DyingStore(FlakyStore, Arc<AtomicU64>);

impl DyingStore {
    fn live(&self) -> Result<(), Error> {
        let left = self.1.load(Ordering::Relaxed);
        if left == 0 {
            let source = "the store is unreachable".into();
            return Err(Error::Connection { source });
        }
        self.1.store(left - 1, Ordering::Relaxed);
        Ok(())
    }
}

impl Store for DyingStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.live()?;
        self.0.get(key).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        self.live()?;
        self.0.compare_and_swap(key, expected, new, ttl).await
    }
}

#[tokio::test]
async fn reports_a_refusal_whose_refunds_fail() {
    let store = FlakyStore::new();
    let head = request(&Backend::custom(store.clone()));
    assert!(Mine::hit(&head).await.unwrap().admitted);
    // Everyone is read and written, Mine is read: the refund is the fourth operation.
    let dying = DyingStore(store, Arc::new(AtomicU64::new(3)));
    let dying = request(&Backend::custom(dying).on_error(allow()));
    let decision = <(Everyone, Mine)>::hit(&dying).await.unwrap();
    assert!(decision.decided && !decision.admitted, "{decision:?}");
    // A charge that could not be refunded remains.
    assert_eq!(left::<Everyone, _>(&head).await, 299);
}

#[tokio::test]
async fn refunds_a_dropped_reservation_before_the_backend_closes() {
    let store = FlakyStore::over(ExpiringStore::default());
    let throttle = throttle(&store);
    let backend = Backend::custom(store.clone());
    let own = DynThrottle::builder("late answers").rate("10/day".parse().unwrap());
    let own = own.backend(backend.clone()).build().unwrap();
    for _ in 0..5 {
        drop(own.reserve(&Identity::everyone(), 2).await.unwrap());
    }
    backend.close().await.unwrap();
    assert_eq!(remaining(&throttle).await, 10);
}

#[tokio::test]
async fn charges_no_further_member_of_a_cancelled_set() {
    let store = FlakyStore::new();
    let head = request(&Backend::custom(store.clone()));
    store.withhold();
    assert!(
        super::cancel_after(<(Everyone, Mine)>::hit(&head), 1)
            .await
            .is_none()
    );
    store.release();
    settle_down().await;
    // Everyone is read and written, then read and refunded; Mine is not touched.
    assert_eq!(store.calls(), 4);
    until_left::<Everyone, _>(&head, 300, "a set that is cut off").await;
    assert_eq!(left::<Mine, _>(&head).await, 1);
}
