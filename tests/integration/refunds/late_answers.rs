//! An answer that comes after its caller has gone is awaited, and only what it says was taken is
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

/// Lets what is left to the background come to its end.
async fn settle_down() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_hit_that_is_never_answered_stays_taken() {
    let store = FlakyStore::new();
    let throttle = throttle(&store);
    throttle.hit(&Identity::everyone(), 4).await.unwrap();
    // Reading is answered, writing is not.
    store.withhold();
    throttle.hit(&Identity::everyone(), 4).await.unwrap_err();
    store.fail(Fault::Hang);
    store.release();
    tokio::time::sleep(Duration::from_secs(60)).await;
    store.heal();
    assert_eq!(remaining(&throttle).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stays_a_refusal_where_its_refunds_are_slow() {
    let store = FlakyStore::new();
    let backend = Backend::custom(store.clone());
    let backend = backend
        .timeout(Duration::from_millis(100))
        .on_error(allow());
    let head = request(&backend);
    assert!(Mine::hit(&head).await.unwrap().admitted);
    // Two operations for each member, those after them are refunds.
    store.fail(Fault::Delay(Duration::from_millis(30)));
    let decision = <(Everyone, Mine)>::hit(&head).await.unwrap();
    assert!(decision.decided && !decision.admitted, "{decision:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    store.heal();
    assert_eq!(left::<Everyone, _>(&head).await, 300);
}

/// A store that is away after so many operations.
#[derive(Clone)]
struct Dying(FlakyStore, Arc<AtomicU64>);

impl Dying {
    fn live(&self) -> Result<(), Error> {
        let left = self.1.load(Ordering::Relaxed);
        if left == 0 {
            let source = "nobody is there".into();
            return Err(Error::Connection { source });
        }
        self.1.store(left - 1, Ordering::Relaxed);
        Ok(())
    }
}

impl Store for Dying {
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
async fn a_refusal_stays_a_refusal_where_its_refunds_fail() {
    let store = FlakyStore::new();
    let head = request(&Backend::custom(store.clone()));
    assert!(Mine::hit(&head).await.unwrap().admitted);
    // Everyone is read and written, Mine is read: the refund comes fourth.
    let dying = Dying(store, Arc::new(AtomicU64::new(3)));
    let dying = request(&Backend::custom(dying).on_error(allow()));
    let decision = <(Everyone, Mine)>::hit(&dying).await.unwrap();
    assert!(decision.decided && !decision.admitted, "{decision:?}");
    // What could not be given back stays taken.
    assert_eq!(left::<Everyone, _>(&head).await, 299);
}

#[tokio::test]
async fn a_dropped_reservation_is_refunded_before_a_backend_closes() {
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
async fn a_set_that_is_cut_off_takes_no_further_member() {
    let store = FlakyStore::new();
    let head = request(&Backend::custom(store.clone()));
    store.withhold();
    assert!(
        super::cut_off(<(Everyone, Mine)>::hit(&head), 1)
            .await
            .is_none()
    );
    store.release();
    settle_down().await;
    // Everyone is read and written, read and refunded; Mine is not touched.
    assert_eq!(store.calls(), 4);
    until_left::<Everyone, _>(&head, 300, "a set that is cut off").await;
    assert_eq!(left::<Mine, _>(&head).await, 1);
}
