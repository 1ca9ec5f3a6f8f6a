//! Decisions on a Cluster: one client's limits are in one slot, those of different clients are
//! decided one after the other.

use http::request::Parts;
use tokio::task::JoinSet;
use traffik::{Backend, Identity, ManualClock, Throttle};
use traffik_tests::RedisCluster;

traffik::throttles! {
    throttle Burst(rate = "5/m", identifier = client);
    throttle Sustained(rate = "50/h", strategy = token_bucket, identifier = client);
    throttle Tenant(rate = "7/h", strategy = sliding_log, identifier = tenant);
    throttle All(rate = "9/h", strategy = sliding_counter, identifier = everyone);
}

#[derive(Clone)]
struct Names(&'static str, &'static str);

fn client(parts: &Parts) -> Identity {
    Identity::new(parts.extensions.get::<Names>().expect("a name").0)
}

fn tenant(parts: &Parts) -> Identity {
    Identity::new(parts.extensions.get::<Names>().expect("a name").1)
}

fn parts(backend: &Backend, client: &'static str, tenant: &'static str) -> Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(backend.clone());
    parts.extensions.insert(Names(client, tenant));
    parts
}

async fn connect(cluster: &RedisCluster) -> Backend {
    let backend = Backend::redis(cluster.url()).timeout(super::super::PATIENCE);
    backend.connect().await.unwrap().clock(ManualClock::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn decides_sets_across_slots() {
    let cluster = RedisCluster::start();
    let backend = connect(&cluster).await;
    // One client's limits are decided together.
    let parts = parts(&backend, "ann", "acme");
    for hit in 0..7 {
        let decision = <(Burst, Sustained)>::hit(&parts).await.unwrap();
        assert_eq!(decision.admitted, hit < 5);
    }
    let (burst, sustained) = <(Burst, Sustained)>::stat(&parts).await.unwrap();
    assert_eq!((burst.hits_remaining, sustained.hits_remaining), (0, 45));

    // The limits of different clients: if a later one refuses, the earlier ones are refunded.
    let parts = self::parts(&backend, "bob", "acme");
    for hit in 0..9 {
        let decision = <(Tenant, All, Burst)>::hit(&parts).await.unwrap();
        assert_eq!(decision.admitted, hit < 5, "{hit}");
    }
    let (tenant, all, burst) = <(Tenant, All, Burst)>::stat(&parts).await.unwrap();
    let remaining = (
        tenant.hits_remaining,
        all.hits_remaining,
        burst.hits_remaining,
    );
    assert_eq!(remaining, (2, 4, 0));
    assert!(<(Tenant, All)>::check(&parts, 2).await.unwrap());
    assert!(!<(Tenant, All)>::check(&parts, 3).await.unwrap());
}

/// Concurrent sets across slots admit no more than each limit.
#[tokio::test(flavor = "multi_thread")]
async fn admits_no_more_than_each_limit_of_concurrent_sets() {
    let cluster = RedisCluster::start();
    let backend = connect(&cluster).await;
    let mut tasks = JoinSet::new();
    for task in 0..32 {
        let parts = parts(&backend, ["ann", "bob"][task % 2], "acme");
        tasks.spawn(async move {
            let decision = if task % 4 < 2 {
                <(Tenant, Burst, All)>::hit(&parts).await
            } else {
                <(All, Burst, Tenant)>::hit(&parts).await
            };
            u64::from(decision.unwrap().admitted)
        });
    }
    let admitted: u64 = tasks.join_all().await.into_iter().sum();
    assert!((1..=7).contains(&admitted), "{admitted}");
    let (tenant, all) = <(Tenant, All)>::stat(&parts(&backend, "ann", "acme"))
        .await
        .unwrap();
    // All refunded units are available again.
    assert_eq!(
        (tenant.hits_remaining, all.hits_remaining),
        (7 - admitted, 9 - admitted)
    );
}
