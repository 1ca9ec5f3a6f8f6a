//! A tokio runtime without timers or I/O: backends that need them return an error instead of
//! panicking.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use traffik::failure::raise;
use traffik::strategy::LeakyBucketWithQueue;
use traffik::{Backend, DynThrottle, Error, ErrorKind, Identity};
use traffik_tests::{MemcachedServer, OpenStore, RedisServer, YieldingStore};

fn bare() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn without_io() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn throttle(backend: Backend) -> DynThrottle {
    let throttle = DynThrottle::builder("runtimes").rate("10/second".parse().unwrap());
    let throttle = throttle.strategy(LeakyBucketWithQueue::new().queue_size(10));
    throttle.backend(backend).on_error(raise()).build().unwrap()
}

/// Returns the error of a hit on a runtime.
fn hit_error(runtime: &Runtime, backend: Backend) -> Error {
    let client = Identity::everyone();
    runtime
        .block_on(throttle(backend).hit(&client, 1))
        .unwrap_err()
}

#[test]
fn needs_neither_timers_nor_io_for_memory() {
    let throttle = throttle(Backend::memory());
    let client = Identity::everyone();
    assert!(bare().block_on(throttle.hit(&client, 10)).unwrap().admitted);
}

#[test]
fn reports_a_wait_without_timers() {
    let throttle = throttle(Backend::memory());
    let client = Identity::everyone();
    assert!(bare().block_on(throttle.hit(&client, 5)).unwrap().admitted);
    let error = bare().block_on(throttle.wait(&client, 1, Duration::from_secs(9)));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Configuration);
}

#[test]
fn reports_a_custom_store_without_timers() {
    let error = hit_error(
        &bare(),
        Backend::custom(YieldingStore::<OpenStore>::default()),
    );
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("enable_all"), "{error}");
}

#[test]
fn reports_redis_without_timers_or_io() {
    let server = RedisServer::start();
    let error = hit_error(&bare(), Backend::redis(server.url()).lazy());
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    let error = hit_error(&without_io(), Backend::redis(server.url()).lazy());
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
}

#[test]
fn reports_memcached_without_timers_or_io() {
    let server = MemcachedServer::start();
    let error = hit_error(&bare(), Backend::memcached(server.url()).lazy());
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    let error = hit_error(&without_io(), Backend::memcached(server.url()).lazy());
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("enable_all"), "{error}");
}
