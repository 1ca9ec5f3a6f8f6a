//! Redis servers that tests start: a single one, a Cluster, a primary with its replica and
//! Sentinel, and a fake.

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

/// Waits until a condition holds for servers, which run in other processes.
///
/// # Panics
///
/// If it does not hold within half a minute.
fn until(condition: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "not in time: {condition}"
        );
        sleep(Duration::from_millis(10));
    }
}
