//! Leases on other stores, for sets, and for what has none.

use std::time::Duration;

use tokio::task::JoinSet;
use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, LeakyBucketWithQueue, Priority, TimeOfDay, TokenBucket,
};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Error, ManualClock, Provenance, Rate};
use traffik_tests::{MemcachedServer, RedisServer};

use super::{
    LIFE, builder, client, connect, custom, hit, hit_until_leased, throttle, uid_of, until_used,
};

async fn memcached(server: &MemcachedServer, clock: &ManualClock) -> Backend {
    let backend = Backend::memcached(server.url()).timeout(Duration::from_secs(5));
    backend.connect().await.unwrap().clock(clock.clone())
}

#[tokio::test]
async fn windows_on_memcached_are_leased_and_refunded() {
    let server = MemcachedServer::start();
    let clock = ManualClock::new();
    let backend = memcached(&server, &clock).await;
    for (uid, strategy) in [("fixed", false), ("time of day", true)] {
        let builder = builder(&format!("memcached, {uid}"), "10000/hour", &backend);
        let builder = if strategy {
            builder.strategy(TimeOfDay::new())
        } else {
            builder
        };
        let throttle = builder.build().unwrap();
        let hits = hit_until_leased(&throttle).await;
        clock.advance(2 * LIFE);
        until_used(&throttle, 10_000, hits).await;
        let decision = hit(&throttle).await;
        assert_eq!(
            (decision.provenance, decision.remaining),
            (Provenance::Store, 9_999 - hits)
        );
    }
    backend.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_on_memcached_admit_exactly_the_limit() {
    let server = MemcachedServer::start();
    let clock = ManualClock::new();
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let backend = memcached(&server, &clock)
            .await
            .local_refusals(Duration::ZERO);
        let throttle = throttle("memcached, exact", "5000/hour", &backend);
        tasks.spawn(async move {
            let (mut admitted, mut refused) = (0_u64, 0);
            while refused < 50 {
                let is_admitted = hit(&throttle).await.admitted;
                refused = if is_admitted { 0 } else { refused + 1 };
                admitted += u64::from(is_admitted);
            }
            backend.close().await.unwrap();
            admitted
        });
    }
    let admitted: u64 = tasks.join_all().await.into_iter().sum();
    // Refused hits and leases are counted for a moment, so that others are refused meanwhile.
    assert!((4_990..=5_000).contains(&admitted), "{admitted}");
}

#[tokio::test]
async fn other_laws_on_memcached_have_no_leases() {
    let server = MemcachedServer::start();
    let backend = memcached(&server, &ManualClock::new()).await;
    let throttle = builder("memcached, bucket", "10000/hour", &backend);
    let throttle = throttle.strategy(TokenBucket::new()).build().unwrap();
    for _ in 0..20 {
        assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
    }
}

#[tokio::test]
async fn memory_has_no_leases() {
    let throttle = throttle("memory", "10000/hour", &Backend::memory().lease(LIFE));
    for _ in 0..20 {
        assert_eq!(hit(&throttle).await.provenance, Provenance::Memory);
    }
}

#[tokio::test]
async fn a_backend_sets_the_life_for_throttles_without_one() {
    let server = RedisServer::start();
    let backend = Backend::redis(server.url())
        .lease(LIFE)
        .connect()
        .await
        .unwrap();
    let builder = DynThrottle::builder(uid_of("of the backend")).rate(Rate::per_hour(10_000));
    let throttle = builder.backend(backend.clone()).build().unwrap();
    hit_until_leased(&throttle).await;
    let off = builder_without_lease(&backend);
    for _ in 0..20 {
        assert_eq!(hit(&off).await.provenance, Provenance::Store);
    }
}

fn builder_without_lease(backend: &Backend) -> DynThrottle {
    let builder = builder("switched off", "10000/hour", backend);
    builder.lease(Duration::ZERO).build().unwrap()
}

type Build = fn(DynThrottleBuilder) -> DynThrottleBuilder;

#[tokio::test]
async fn strategies_without_leases_are_refused_or_have_none() {
    let (backend, _) = custom();
    let backend = backend.lease(LIFE);
    let strategies: [(&str, Build); 4] = [
        ("adaptive", |it| it.strategy(Adaptive::new())),
        ("priority", |it| it.strategy(Priority::new())),
        ("leaky_bucket_with_queue", |it| {
            it.strategy(LeakyBucketWithQueue::new())
        }),
        ("cost_based_token_bucket", |it| {
            it.strategy(CostBasedTokenBucket::new())
        }),
    ];
    for (name, strategy) in strategies {
        let refused = strategy(builder(name, "10000/hour", &backend)).build();
        let expected = format!("the quota of `{name}` cannot be leased; remove `lease`");
        match refused {
            Err(Error::Configuration { message, .. }) => assert_eq!(message, expected),
            other => panic!("{other:?}"),
        }
        // The default of the backend has no effect.
        let builder = DynThrottle::builder(uid_of(&format!("{name} by default")));
        let builder = builder
            .rate(Rate::per_hour(10_000))
            .backend(backend.clone());
        let throttle = strategy(builder).build().unwrap();
        for _ in 0..20 {
            assert_eq!(hit(&throttle).await.provenance, Provenance::Store, "{name}");
        }
    }
}

#[tokio::test]
async fn shadows_and_reservations_go_to_the_store() {
    let (backend, _) = custom();
    let shadow = builder("shadow", "10000/hour", &backend)
        .shadow()
        .build()
        .unwrap();
    let reserved = throttle("reserved", "10000/hour", &backend);
    for _ in 0..20 {
        assert_ne!(hit(&shadow).await.provenance, Provenance::Lease);
        let reservation = reserved.reserve(&client(), 1).await.unwrap();
        assert_eq!(reservation.decision().provenance, Provenance::Store);
        reservation.settle(1).await.unwrap();
        let waited = reserved.wait(&client(), 1, Duration::ZERO).await.unwrap();
        assert_eq!(waited.provenance, Provenance::Store);
    }
}

#[tokio::test]
async fn a_rejected_lease_never_refuses_the_hit() {
    // Another process uses what this one has last known to remain.
    let server = RedisServer::start();
    let one = throttle("rejected", "100/hour", &connect(&server).await);
    let other = throttle("rejected", "100/hour", &connect(&server).await);
    for _ in 0..4 {
        assert!(hit(&one).await.admitted);
    }
    assert!(other.hit(&client(), 94).await.unwrap().admitted);
    // The lease of four units does not fit, the hit does.
    assert!(hit(&one).await.admitted);
    assert!(hit(&one).await.admitted);
    assert!(!hit(&one).await.admitted);
}
