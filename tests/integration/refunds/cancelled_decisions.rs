//! A decision that is dropped after any number of polls leaves every budget unchanged.

use http::request::Parts;
use traffik::testing::FlakyStore;
use traffik::{Backend, Decision, Error, Limiter, Quota, Throttle as _};
use traffik_tests::{MemcachedServer, RedisCluster, RedisServer, YieldingStore};

use axum::extract::FromRequestParts as _;

use super::{Everyone, Mine, Roomy, cancel_after, left, request, until_left};
use crate::memcached::PATIENCE;

async fn budgets(head: &Parts) -> (u64, u64) {
    let everyone = left::<Everyone, _>(head).await;
    (everyone, left::<Roomy, _>(head).await)
}

async fn wait_until_left(head: &Parts, expected: (u64, u64), case: &str) {
    until_left::<Everyone, _>(head, expected.0, case).await;
    until_left::<Roomy, _>(head, expected.1, case).await;
}

/// Drops a decision after every number of polls, until it completes and is charged this much.
async fn after_every_poll<T>(
    head: &Parts,
    case: &str,
    costs: (u64, u64),
    decide: impl AsyncFn() -> Result<T, Error>,
) -> T {
    let before = budgets(head).await;
    for polls in 0..1_000 {
        let case = format!("{case} after {polls} polls");
        if let Some(decided) = cancel_after(decide(), polls).await {
            let after = (before.0 - costs.0, before.1 - costs.1);
            wait_until_left(head, after, &case).await;
            return decided.unwrap_or_else(|error| panic!("{case}: {error}"));
        }
        wait_until_left(head, before, &case).await;
    }
    panic!("{case}: it never ends");
}

async fn cancel_every_kind_of_decision(backend: Backend) {
    let head = &request(&backend);
    let mut parts = head.clone();
    let limiter = Limiter::<(Everyone, Roomy)>::from_request_parts(&mut parts, &()).await;
    let limiter = limiter.unwrap();

    let hit = async || Everyone::hit(head).await;
    let decision: Decision = after_every_poll(head, "a hit", (1, 0), hit).await;
    assert!(decision.admitted);

    let log = async || Roomy::hit(head).await;
    after_every_poll(head, "a hit in a log", (0, 1), log).await;

    let set = async || <(Everyone, Roomy)>::hit(head).await;
    let decision = after_every_poll(head, "a set", (1, 1), set).await;
    assert!(decision.admitted);

    let quota = Quota::new(head)
        .add::<Everyone>(1_000)
        .add::<Roomy>(1)
        .commit();
    assert!(!quota.await.unwrap().admitted);
    let quota = async || {
        Quota::new(head)
            .add::<Roomy>(3)
            .add::<Everyone>(2)
            .commit()
            .await
    };
    after_every_poll(head, "a quota", (2, 3), quota).await;

    let reserve = async || {
        let reserved = limiter.reserve(4).await;
        reserved
            .map(drop)
            .map_err(|_| Error::Timeout { after: PATIENCE })
    };
    after_every_poll(head, "a reservation that is dropped", (0, 0), reserve).await;

    // A settlement that has begun is completed.
    let before = budgets(head).await;
    for polls in 1..100 {
        let reserved = limiter.reserve(4).await.unwrap();
        let is_done = cancel_after(reserved.settle(1), polls as usize)
            .await
            .is_some();
        wait_until_left(
            head,
            (before.0 - polls, before.1 - polls),
            &format!("a settlement after {polls} polls"),
        )
        .await;
        if is_done {
            break;
        }
    }

    assert!(Mine::hit(head).await.unwrap().admitted);
    let refused = async || <(Everyone, Mine)>::hit(head).await;
    let decision = after_every_poll(head, "a refused set", (0, 0), refused).await;
    assert!(!decision.admitted);
}

#[tokio::test]
async fn charges_nothing_on_a_custom_store() {
    cancel_every_kind_of_decision(Backend::custom(YieldingStore(FlakyStore::new()))).await;
}

#[tokio::test]
async fn charges_nothing_on_redis() {
    let server = RedisServer::start();
    let backend = Backend::redis(server.url()).timeout(PATIENCE);
    cancel_every_kind_of_decision(backend.connect().await.unwrap()).await;
}

#[tokio::test]
async fn charges_nothing_on_a_cluster_with_keys_in_several_slots() {
    let cluster = RedisCluster::start();
    let backend = Backend::redis(cluster.url()).timeout(PATIENCE);
    cancel_every_kind_of_decision(backend.connect().await.unwrap()).await;
}

#[tokio::test]
async fn charges_nothing_on_memcached() {
    let server = MemcachedServer::start();
    let backend = Backend::memcached(server.url()).timeout(PATIENCE);
    cancel_every_kind_of_decision(backend.connect().await.unwrap()).await;
}
