//! Redis servers of a test's own: one, a Cluster, a primary with its replica and Sentinel, and one that only answers.

mod cluster;
mod failover;
mod fake;
mod server;

pub use cluster::RedisCluster;
pub use failover::RedisFailover;
pub use fake::FakeRedis;
pub use server::RedisServer;

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Waits until servers are as a test needs them, for they are processes of their own.
///
/// # Panics
///
/// Where they are not after half a minute.
fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let start = Instant::now();
    while !reached() {
        assert!(start.elapsed() < Duration::from_secs(30), "never {what}");
        sleep(Duration::from_millis(10));
    }
}
