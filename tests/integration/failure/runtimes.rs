//! A tokio runtime without timers or I/O gets an error from backends that need them, and no panic.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use traffik::failure::raise;
use traffik::strategy::LeakyBucketWithQueue;
use traffik::{Backend, DynThrottle, Error, ErrorKind, Identity, Store};
use traffik_tests::{MemcachedServer, RedisServer};

/// A store that never answers at once.
struct Distant;

impl Store for Distant {
    async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, Error> {
        tokio::task::yield_now().await;
        Ok(None)
    }

    async fn compare_and_swap(
        &self,
        _: &str,
        _: Option<&[u8]>,
        _: Option<&[u8]>,
        _: Option<Duration>,
    ) -> Result<bool, Error> {
        tokio::task::yield_now().await;
        Ok(true)
    }
}

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

/// The error of a hit on a runtime.
fn refused(runtime: &Runtime, backend: Backend) -> Error {
    let client = Identity::everyone();
    runtime
        .block_on(throttle(backend).hit(&client, 1))
        .unwrap_err()
}

#[test]
fn memory_needs_neither_timers_nor_io() {
    let throttle = throttle(Backend::memory());
    let client = Identity::everyone();
    assert!(bare().block_on(throttle.hit(&client, 10)).unwrap().admitted);
}

#[test]
fn a_wait_without_timers_is_an_error() {
    let throttle = throttle(Backend::memory());
    let client = Identity::everyone();
    assert!(bare().block_on(throttle.hit(&client, 5)).unwrap().admitted);
    let error = bare().block_on(throttle.wait(&client, 1, Duration::from_secs(9)));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Configuration);
}

#[test]
fn a_custom_store_without_timers_is_an_error() {
    let error = refused(&bare(), Backend::custom(Distant));
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("enable_all"), "{error}");
}

#[test]
fn redis_without_timers_or_io_is_an_error() {
    let server = RedisServer::start();
    let error = refused(&bare(), Backend::redis(server.url()).lazy());
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    let error = refused(&without_io(), Backend::redis(server.url()).lazy());
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
}

#[test]
fn memcached_without_timers_or_io_is_an_error() {
    let server = MemcachedServer::start();
    let error = refused(&bare(), Backend::memcached(server.url()).lazy());
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    let error = refused(&without_io(), Backend::memcached(server.url()).lazy());
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("enable_all"), "{error}");
}
