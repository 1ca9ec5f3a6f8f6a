//! Closed rates: an operator's switch that refuses every cost until the rate is reset, on every
//! store and under every strategy.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::request::Parts;
use traffik::failure::{Policy, allow, fallback};
use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Tiered, TimeOfDay, TokenBucket,
};
use traffik::testing::{Fault, FlakyStore};
use traffik::{
    Backend, DynThrottle, Identity, ManualClock, Rate, Throttle as _, provide, registry, throttled,
};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisServer, Server, head, midnight};

const CLOSED: Rate = Rate::closed(Duration::from_secs(10));

/// Builds a throttle of 5 in 10 s for each strategy.
fn each(backend: &Backend, store: &str) -> Vec<(String, DynThrottle)> {
    let mut throttles = Vec::new();
    macro_rules! each {
        ($($strategy:expr;)+) => {$(
            let uid = format!("closed {store} {}", stringify!($strategy));
            let throttle = DynThrottle::builder(&*uid).rate("5/10s".parse().unwrap());
            let throttle = throttle.strategy($strategy).backend(backend.clone());
            throttles.push((uid, throttle.build().unwrap()));
        )+};
    }
    each! {
        FixedWindow::new();
        Tiered::new().tier("free", 1.0).default_tier("free");
        TimeOfDay::new().window("00:00-24:00", 1.0);
        QuotaWithRollover::new();
        Adaptive::new();
        SlidingCounter::new();
        SlidingLog::new();
        Priority::new();
        TokenBucket::new();
        LeakyBucket::new();
        LeakyBucketWithQueue::new();
        CostBasedTokenBucket::new();
        Gcra::new();
    }
    throttles
}

async fn refuses_everything_and_keeps_counts(backend: Backend, store: &str) {
    let backend = backend.clock(ManualClock::new());
    for (uid, throttle) in each(&backend, store) {
        let client = Identity::new("client");
        assert!(throttle.hit(&client, 2).await.unwrap().admitted, "{uid}");
        let before = throttle.stat(&client).await.unwrap().hits_remaining;

        registry().set_rate(&uid, CLOSED).unwrap();
        for cost in [1, 5, u64::MAX] {
            let refused = throttle.hit(&client, cost).await.unwrap();
            assert!(!refused.admitted && refused.decided, "{uid}: {refused:?}");
            assert_eq!((refused.limit, refused.remaining), (0, 0), "{uid}");
            assert_eq!((refused.wait, refused.next), (None, None), "{uid}");
        }
        assert!(!throttle.check(&client, 1).await.unwrap(), "{uid}");
        assert!(throttle.check(&client, 0).await.unwrap(), "{uid}");
        assert!(throttle.hit(&client, 0).await.unwrap().admitted, "{uid}");
        let stat = throttle.stat(&client).await.unwrap();
        assert_eq!((stat.hits_remaining, stat.wait), (0, None), "{uid}");
        assert_eq!(stat.rate, CLOSED, "{uid}");
        let other = Identity::new("new client");
        assert!(!throttle.hit(&other, 1).await.unwrap().admitted, "{uid}");

        registry().reset(&uid).unwrap();
        let after = throttle.stat(&client).await.unwrap().hits_remaining;
        assert_eq!(after, before, "{uid}: what was counted stays counted");
        assert!(throttle.hit(&other, 1).await.unwrap().admitted, "{uid}");
    }
}

#[tokio::test]
async fn refuses_everything_and_keeps_counts_in_memory() {
    refuses_everything_and_keeps_counts(Backend::memory(), "memory").await;
}

#[tokio::test]
async fn refuses_everything_and_keeps_counts_on_redis() {
    let server = RedisServer::start();
    let backend = Backend::redis(server.url()).connect().await.unwrap();
    refuses_everything_and_keeps_counts(backend, "redis").await;
}

#[tokio::test]
async fn refuses_everything_and_keeps_counts_on_memcached() {
    let server = MemcachedServer::start();
    let backend = Backend::memcached(server.url()).connect().await.unwrap();
    refuses_everything_and_keeps_counts(backend, "memcached").await;
}

#[tokio::test]
async fn refuses_everything_and_keeps_counts_on_a_custom_store() {
    let backend = Backend::custom(ExpiringStore::default());
    refuses_everything_and_keeps_counts(backend, "custom").await;
}

/// A closed throttle refuses even if its store is unreachable.
#[tokio::test]
async fn refuses_while_the_store_is_unreachable() {
    let policies: [fn() -> Policy; 2] = [allow, || fallback(Backend::memory()).instances(3).into()];
    for (place, policy) in policies.into_iter().enumerate() {
        let store = FlakyStore::new();
        let uid = format!("closed away {place}");
        let throttle = DynThrottle::builder(&*uid).rate("5/10s".parse().unwrap());
        let throttle = throttle
            .backend(Backend::custom(store.clone()))
            .on_error(policy());
        let throttle = throttle.build().unwrap();
        let client = Identity::new("client");
        store.fail(Fault::Refuse);
        assert!(throttle.hit(&client, 1).await.unwrap().admitted);
        registry().set_rate(&uid, CLOSED).unwrap();
        let refused = throttle.hit(&client, 1).await.unwrap();
        assert!(!refused.admitted && refused.wait.is_none(), "{refused:?}");
        assert!(!throttle.check(&client, 1).await.unwrap());
    }
}

/// A reservation from before is refunded under the rate under which it was charged.
#[tokio::test]
async fn refunds_a_reservation_while_closed() {
    let server = RedisServer::start();
    let redis = Backend::redis(server.url()).connect().await.unwrap();
    for (store, backend) in [("memory", Backend::memory()), ("redis", redis)] {
        let backend = backend.clock(ManualClock::new());
        for (uid, throttle) in each(&backend, &format!("reserve {store}")) {
            let client = Identity::new("client");
            let full = throttle.stat(&client).await.unwrap().hits_remaining;
            let reserved = throttle.reserve(&client, 2).await.unwrap();
            registry().set_rate(&uid, CLOSED).unwrap();
            reserved.settle(0).await.unwrap();
            registry().reset(&uid).unwrap();
            let stat = throttle.stat(&client).await.unwrap();
            assert_eq!(stat.hits_remaining, full, "{uid}");
        }
    }
}

traffik::throttles! {
    throttle Shut(rate = "5/minute", uid = "closed::shut");
    throttle Beside(rate = "7/minute", uid = "closed::beside");
    throttle Listed(rate = ["5/10s", "9/minute"], uid = "closed::listed");
    throttle Dependent(rate = by_header, uid = "closed::dependent", identifier = everyone);
}

fn by_header(parts: &Parts) -> Rate {
    match parts.headers.get("x-closed") {
        Some(_) => CLOSED,
        None => Rate::per_minute(5),
    }
}

#[throttled(rate = "5/minute", uid = "closed::handler", headers = both)]
async fn handler() {}

#[tokio::test]
async fn charges_no_member_of_a_set_with_a_closed_one() {
    let parts = head(&midnight().0);
    assert!(Shut::hit(&parts).await.unwrap().admitted);
    registry().set_rate("closed::shut", CLOSED).unwrap();
    let refused = <(Beside, Shut)>::hit(&parts).await.unwrap();
    assert!(!refused.admitted, "{refused:?}");
    assert_eq!((refused.limit, refused.wait), (0, None));
    assert_eq!(Beside::stat(&parts).await.unwrap().hits_remaining, 7);
    let (beside, shut) = <(Beside, Shut)>::stat(&parts).await.unwrap();
    assert_eq!((beside.hits_remaining, shut.hits_remaining), (7, 0));
}

#[tokio::test]
async fn refuses_everything_under_a_list_with_a_closed_rate() {
    let parts = head(&midnight().0);
    assert!(Listed::hit_cost(&parts, 2).await.unwrap().admitted);
    let list = [CLOSED, Rate::per_minute(9)];
    registry().set_rate("closed::listed", list).unwrap();
    let refused = Listed::hit(&parts).await.unwrap();
    assert!(!refused.admitted && refused.wait.is_none(), "{refused:?}");
    registry().reset("closed::listed").unwrap();
    assert_eq!(Listed::stat(&parts).await.unwrap().hits_remaining, 3);
}

#[tokio::test]
async fn accepts_a_closed_rate_from_a_function() {
    let (backend, _) = midnight();
    let open = head(&backend);
    let mut closed = head(&backend);
    closed.headers.insert("x-closed", "1".parse().unwrap());
    assert!(Dependent::hit(&open).await.unwrap().admitted);
    let refused = Dependent::hit(&closed).await.unwrap();
    assert!(!refused.admitted && refused.wait.is_none(), "{refused:?}");
    assert_eq!(Dependent::hit(&open).await.unwrap().remaining, 3);
}

#[tokio::test]
async fn responds_429_without_retry_after() {
    let app = Router::new()
        .route("/", get(handler))
        .layer(provide(midnight().0));
    let server = Server::start(app).await;
    assert_eq!(server.get("/").await.status, 200);
    registry().set_rate("closed::handler", CLOSED).unwrap();
    let response = server.get("/").await;
    assert_eq!(response.status, 429);
    assert_eq!(response.field("retry-after"), None);
    assert_eq!(response.field("ratelimit"), Some("\"handler\";r=0"));
    assert_eq!(
        response.field("ratelimit-policy"),
        Some("\"handler\";q=0;w=10")
    );
    assert_eq!(response.field("x-ratelimit-limit"), Some("0"));
    let detail = "No request is admitted for the time being";
    assert_eq!(response.json()["detail"], detail);
}
