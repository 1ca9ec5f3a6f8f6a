//! The commands of hits: leases add none.

use std::time::Duration;

use traffik::{DynThrottle, Identity, Provenance, Rate};
use traffik_tests::RedisServer;

use super::{client, connect, hit, throttle};

#[tokio::test]
async fn of_an_idle_client_are_one_for_each_hit() {
    let server = RedisServer::start();
    let throttle = throttle("idle", "10000/hour", &connect(&server).await);
    for number in 0..20 {
        let client = Identity::new(format!("client {number}"));
        let before = server.calls("evalsha");
        let decision = throttle.hit(&client, 1).await.unwrap();
        assert_eq!(decision.provenance, Provenance::Store);
        assert_eq!(server.calls("evalsha") - before, 1);
    }
}

#[tokio::test]
async fn of_a_hit_that_takes_a_lease_are_one() {
    let server = RedisServer::start();
    let throttle = throttle("taken", "10000/hour", &connect(&server).await);
    for hits in 1..=10 {
        let before = server.calls("evalsha");
        let decision = hit(&throttle).await;
        let is_leased = decision.provenance == Provenance::Lease;
        assert_eq!(is_leased, (6..=9).contains(&hits));
        let calls = server.calls("evalsha") - before;
        assert_eq!(calls, u64::from(!is_leased), "hit {hits}");
    }
}

#[tokio::test]
async fn without_leases_are_one_for_each_hit() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let builder = DynThrottle::builder("leases: none").rate(Rate::per_hour(10_000));
    let without = builder.backend(backend.clone()).build().unwrap();
    let off = super::builder("off", "10000/hour", &backend).lease(Duration::ZERO);
    for throttle in [without, off.build().unwrap()] {
        let before = server.calls("evalsha");
        for _ in 0..50 {
            let decision = throttle.hit(&client(), 1).await.unwrap();
            assert_eq!(decision.provenance, Provenance::Store);
        }
        assert_eq!(server.calls("evalsha") - before, 50);
    }
}
