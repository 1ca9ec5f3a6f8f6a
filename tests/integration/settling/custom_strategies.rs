//! Refunds of custom strategies, which define the effect of a refund.

use std::panic::{AssertUnwindSafe, catch_unwind};

use traffik::{Backend, DynThrottle, Identity};
use traffik_tests::{Budget, ExpiringStore, Refund};

fn throttle(refund: Refund, backend: &Backend) -> DynThrottle {
    let throttle = DynThrottle::builder(format!("budget {refund:?}"));
    let throttle = throttle.rate("10/hour".parse().unwrap());
    let throttle = throttle.strategy(Budget::with(refund));
    throttle.backend(backend.clone()).build().unwrap()
}

#[tokio::test]
async fn defines_the_effect_of_a_refund() {
    for backend in [Backend::memory(), Backend::custom(ExpiringStore::default())] {
        for (refund, left) in [(Refund::Returns, 8), (Refund::Ignores, 5)] {
            let throttle = throttle(refund, &backend);
            let client = Identity::everyone();
            let reserved = throttle.reserve(&client, 5).await.unwrap();
            reserved.settle(2).await.unwrap();
            assert_eq!(throttle.stat(&client).await.unwrap().hits_remaining, left);
            // More than was reserved is decided by the strategy, which charges what it admits.
            let reserved = throttle.reserve(&client, 1).await.unwrap();
            reserved.settle(3).await.unwrap();
            assert_eq!(
                throttle.stat(&client).await.unwrap().hits_remaining,
                left - 3
            );
        }
    }
}

/// The caller gets the panic of its own handler, the process continues, and the reserved units
/// remain charged.
#[tokio::test]
async fn survives_a_panic_during_a_panic() {
    for backend in [Backend::memory(), Backend::custom(ExpiringStore::default())] {
        let throttle = throttle(Refund::Panics, &backend);
        let client = Identity::everyone();
        let reserved = throttle.reserve(&client, 4).await.unwrap();
        let heard = catch_unwind(AssertUnwindSafe(|| {
            let _reserved = reserved;
            panic!("the handler's own");
        }));
        let heard = heard.unwrap_err();
        assert_eq!(heard.downcast_ref(), Some(&"the handler's own"));
        tokio::task::yield_now().await;
        let decision = throttle.hit(&client, 1).await.unwrap();
        assert!(decision.admitted);
        assert_eq!(decision.remaining, 5);
    }
}
