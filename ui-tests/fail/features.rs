//! Backends whose features are off: rustc names the missing feature.

use traffik::{Backend, MemcachedBackend, RedisBackend, throttled};

#[throttled(rate = "5/s", backend = Backend::redis("redis://127.0.0.1").lazy())]
async fn redis() {}

#[throttled(rate = "5/s", backend = Backend::memcached("127.0.0.1:11211").namespace("prod").lazy())]
async fn memcached() {}

#[throttled(rate = "5/s", backend = traffik::openapi::backend())]
async fn of_a_module() {}

fn main() {}
