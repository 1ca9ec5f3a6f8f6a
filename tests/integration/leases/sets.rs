//! Sets are admitted by leases if all their members have one with room.

use std::time::Duration;

use http::request::Parts;
use traffik::{Backend, Identity, ManualClock, Provenance, Throttle};
use traffik_tests::{RedisCluster, RedisServer, head};

use super::LIFE;

traffik::throttles! {
    defaults(lease = "200ms", identifier = everyone);
    throttle Large(rate = "10000/hour");
    throttle Small(rate = "40/hour", strategy = token_bucket);
    throttle Without(rate = "10000/hour", lease = "0ms");
    throttle Elsewhere(rate = "10000/hour", backend = elsewhere());
    throttle Tenant(rate = "10000/hour", identifier = tenant);
}

fn elsewhere() -> Backend {
    Backend::custom(traffik_tests::ExpiringStore::default()).clock(ManualClock::new())
}

fn tenant(_: &Parts) -> Identity {
    Identity::new("tenant")
}

/// Hits this many times, and returns the number of hits that leases have admitted.
async fn leased<T: Throttle>(parts: &Parts, hits: u32) -> u32 {
    let mut leased = 0;
    for _ in 0..hits {
        let decision = T::hit(parts).await.unwrap();
        leased += u32::from(decision.provenance == Provenance::Lease);
    }
    leased
}

async fn connect(server: &RedisServer, clock: &ManualClock) -> Parts {
    let backend = Backend::redis(server.url()).timeout(Duration::from_secs(5));
    let backend = backend.connect().await.unwrap().clock(clock.clone());
    head(&backend)
}

#[tokio::test]
async fn are_admitted_by_all_their_leases_or_by_none() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let parts = connect(&server, &clock).await;
    // Four units of each member are leased by the fifth hit.
    assert_eq!(leased::<(Large, Small)>(&parts, 9).await, 4);
    // The leases of the scarce one get smaller: seven units, then five.
    assert_eq!(leased::<(Large, Small)>(&parts, 10).await, 8);
    clock.advance(2 * LIFE);
    assert_eq!(leased::<(Large, Small)>(&parts, 1).await, 0);
    clock.advance(2 * LIFE);
    let (large, small) = <(Large, Small)>::stat(&parts).await.unwrap();
    assert_eq!(large.hits_remaining, 10_000 - 20);
    assert_eq!(small.hits_remaining, 20);
}

#[tokio::test]
async fn give_back_what_one_member_has_handed_out() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let parts = connect(&server, &clock).await;
    // Only the first member has a lease.
    assert_eq!(leased::<Large>(&parts, 6).await, 1);
    assert_eq!(leased::<(Large, Small)>(&parts, 1).await, 0);
    // The hit of the set was decided by the store, and the lease is whole.
    assert_eq!(leased::<Large>(&parts, 3).await, 3);
    assert_eq!(leased::<Large>(&parts, 1).await, 0);
}

#[tokio::test]
async fn are_decided_by_the_store_if_a_member_has_no_lease() {
    let server = RedisServer::start();
    let parts = connect(&server, &ManualClock::new()).await;
    assert_eq!(leased::<Without>(&parts, 20).await, 0);
    assert_eq!(leased::<(Large, Without)>(&parts, 20).await, 0);
    // Over several backends.
    assert_eq!(leased::<(Large, Elsewhere)>(&parts, 20).await, 0);
    assert!(leased::<Large>(&parts, 20).await > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_slot_of_a_cluster_are_leased() {
    let cluster = RedisCluster::start();
    let backend = Backend::redis(cluster.url()).timeout(Duration::from_secs(5));
    let clock = ManualClock::new();
    let parts = head(&backend.connect().await.unwrap().clock(clock.clone()));
    assert_eq!(leased::<(Large, Small)>(&parts, 9).await, 4);
    // Of two clients, whose keys are in two slots.
    assert_eq!(leased::<(Large, Tenant)>(&parts, 20).await, 0);
    assert!(leased::<Tenant>(&parts, 20).await > 10);
    clock.advance(2 * LIFE);
    for _ in 0..500 {
        let (large, tenant) = <(Large, Tenant)>::stat(&parts).await.unwrap();
        if (large.hits_remaining, tenant.hits_remaining) == (10_000 - 29, 10_000 - 40) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the leftovers were not refunded");
}
