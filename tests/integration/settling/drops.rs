//! Reservations that are dropped without a settlement are refunded on every store.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRequestParts as _;
use axum::routing::get;
use http::{Method, StatusCode};
use tokio::runtime::Runtime;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, DynThrottle, Identity, Limiter, ManualClock, Rejection, Throttle as _};
use traffik_tests::{
    ExpiringStore, MemcachedServer, RedisCluster, RedisServer, Server, head, midnight,
};

use crate::memcached::PATIENCE;

traffik::throttles! {
    throttle Uploads(rate = "10/hour", identifier = everyone, strategy = token_bucket);
    throttle Parts(rate = ["20/hour", "50/day"], identifier = everyone);
}

/// Two limits at once.
type Both = (Uploads, Parts);

async fn panics(limiter: Limiter<Both>) -> Result<StatusCode, Rejection> {
    let permit = limiter.reserve(10).await?;
    assert!(permit.reserved() != 10, "it is what was asked for");
    permit.settle(1).await?;
    Ok(StatusCode::CREATED)
}

async fn refunds_after_a_panicking_handler(backend: Backend) {
    let app = Router::new()
        .route("/", get(panics))
        .layer(traffik::provide(backend.clone()));
    let server = Server::start(app).await;
    for _ in 0..3 {
        // The connection is closed without a response.
        let response = server.request(Method::GET, "/").send().await;
        assert!(response.is_err(), "{response:?}");
        until_left(&backend, (10, 20)).await;
    }
}

/// Waits until these many units remain, since background refunds take a moment.
async fn until_left(backend: &Backend, left: (u64, u64)) {
    let head = head(backend);
    for _ in 0..1_000 {
        let (uploads, parts) = Both::stat(&head).await.unwrap();
        if (uploads.hits_remaining, parts.hits_remaining) == left {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it was not refunded");
}

#[tokio::test]
async fn refunds_in_memory() {
    let (backend, _) = midnight();
    refunds_after_a_panicking_handler(backend.clone()).await;
    // In memory the refund is immediate.
    let limiter = Uploads::hit(&head(&backend)).await.unwrap();
    assert_eq!(limiter.remaining, 9);
}

#[tokio::test]
async fn refunds_on_a_custom_store() {
    refunds_after_a_panicking_handler(
        Backend::custom(ExpiringStore::default()).clock(ManualClock::new()),
    )
    .await;
}

#[tokio::test]
async fn redis() {
    let server = RedisServer::start();
    let backend = Backend::redis(server.url()).timeout(PATIENCE);
    refunds_after_a_panicking_handler(backend.connect().await.unwrap()).await;
}

#[tokio::test]
async fn refunds_on_a_redis_cluster() {
    let cluster = RedisCluster::start();
    let backend = Backend::redis(cluster.url()).timeout(PATIENCE);
    refunds_after_a_panicking_handler(backend.connect().await.unwrap()).await;
}

#[tokio::test]
async fn memcached() {
    let server = MemcachedServer::start();
    let backend = Backend::memcached(server.url()).timeout(PATIENCE);
    let backend = backend.connect().await.unwrap();
    refunds_after_a_panicking_handler(backend.clock(ManualClock::new())).await;
}

fn throttle(backend: Backend) -> DynThrottle {
    let throttle = DynThrottle::builder("jobs").rate("10/hour".parse().unwrap());
    throttle.backend(backend).build().unwrap()
}

/// Without a runtime the refund is not possible, and nothing panics.
#[test]
fn does_not_panic_without_a_runtime() {
    let backend = Backend::custom(ExpiringStore::default());
    let throttle = throttle(backend);
    let runtime = Runtime::new().unwrap();
    let reserved = runtime.block_on(throttle.reserve(&Identity::everyone(), 4));
    drop(runtime);
    let dropped = std::panic::catch_unwind(AssertUnwindSafe(|| drop(reserved.unwrap())));
    assert!(dropped.is_ok());
    let runtime = Runtime::new().unwrap();
    let stat = runtime.block_on(throttle.stat(&Identity::everyone()));
    assert_eq!(stat.unwrap().hits_remaining, 6);
}

/// Units that could not be refunded remain charged, and the error contains the cause.
#[tokio::test]
async fn reports_a_backend_that_is_unreachable() {
    let store = FlakyStore::new();
    let throttle = throttle(Backend::custom(store.clone()));
    let reserved = throttle.reserve(&Identity::everyone(), 4).await.unwrap();
    store.fail(Fault::Refuse);
    let error = reserved.settle(1).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    store.heal();
    let stat = throttle.stat(&Identity::everyone()).await.unwrap();
    assert_eq!(stat.hits_remaining, 6);
}

/// Drops 50 reservations on a runtime that ends once the backend is closed.
fn refunds_before_the_runtime_ends(connect: impl AsyncFn() -> Backend) {
    let client = Identity::everyone();
    let units = |backend: Backend| {
        let throttle = DynThrottle::builder("units").rate("500/day".parse().unwrap());
        throttle.backend(backend).build().unwrap()
    };
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let backend = connect().await;
        let throttle = units(backend.clone());
        let mut reservations = Vec::new();
        for _ in 0..50 {
            reservations.push(throttle.reserve(&client, 10).await.unwrap());
        }
        assert!(reservations.iter().all(|it| it.decision().admitted));
        drop(reservations);
        backend.close().await.unwrap();
    });
    drop(runtime);
    let left = Runtime::new().unwrap().block_on(async {
        let throttle = units(connect().await);
        throttle.stat(&client).await.unwrap().hits_remaining
    });
    assert_eq!(left, 500);
}

#[test]
fn refunds_before_redis_closes() {
    let server = RedisServer::start();
    refunds_before_the_runtime_ends(async || {
        let backend = Backend::redis(server.url()).timeout(PATIENCE);
        backend.connect().await.unwrap()
    });
}

#[test]
fn refunds_before_memcached_closes() {
    let server = MemcachedServer::start();
    refunds_before_the_runtime_ends(async || {
        let backend = Backend::memcached(server.url()).timeout(PATIENCE);
        backend.connect().await.unwrap()
    });
}

/// A throttle twice in a set is settled twice, each time from the level that the other settlement
/// left.
#[tokio::test]
async fn settles_a_throttle_twice_in_a_set() {
    let server = RedisServer::start();
    let redis = Backend::redis(server.url()).timeout(PATIENCE);
    for backend in [Backend::memory(), redis.connect().await.unwrap()] {
        // Units that leak between the two settlements must not be refunded twice.
        let backend = backend.clock(ManualClock::new());
        let mut parts = head(&backend);
        let limiter = Limiter::<(Uploads, Uploads)>::from_request_parts(&mut parts, &()).await;
        let limiter = limiter.unwrap();
        limiter.reserve(2).await.unwrap().settle(3).await.unwrap();
        assert_eq!(Uploads::stat(&parts).await.unwrap().hits_remaining, 4);
        limiter.reserve(2).await.unwrap().cancel().await.unwrap();
        assert_eq!(Uploads::stat(&parts).await.unwrap().hits_remaining, 4);
    }
}
