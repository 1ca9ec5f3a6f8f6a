//! Leases: a process admits the hits of a client that hits often by units that a shared store has
//! counted for it in advance.

mod commands;
mod ends;
mod equivalence;
mod faults;
mod hot_keys;
mod refunds;
mod reports;
mod sets;
mod stores;
mod worst_case;

use std::time::Duration;

use traffik::{
    Backend, Decision, DynThrottle, DynThrottleBuilder, Identity, ManualClock, Provenance, Rate,
};
use traffik_tests::{ExpiringStore, RedisServer};

/// The life of leases.
const LIFE: Duration = Duration::from_millis(200);

/// Returns a backend on a new custom store, and its clock.
fn custom() -> (Backend, ManualClock) {
    let clock = ManualClock::new();
    let backend = Backend::custom(ExpiringStore::default()).clock(clock.clone());
    (backend, clock)
}

/// Connects to a server with a clock, as a process of its own would.
async fn process(server: &RedisServer, clock: &ManualClock) -> Backend {
    connect(server).await.clock(clock.clone())
}

async fn connect(server: &RedisServer) -> Backend {
    let backend = Backend::redis(server.url()).timeout(Duration::from_secs(5));
    backend.connect().await.unwrap()
}

/// Returns the builder of a throttle with leases, of a uid that no other test has.
fn builder(uid: &str, rate: &str, backend: &Backend) -> DynThrottleBuilder {
    let rate: Rate = rate.parse().unwrap();
    let builder = DynThrottle::builder(uid_of(uid)).rate(rate);
    builder.backend(backend.clone()).lease(LIFE)
}

fn throttle(uid: &str, rate: &str, backend: &Backend) -> DynThrottle {
    builder(uid, rate, backend).build().unwrap()
}

fn uid_of(uid: &str) -> String {
    format!("leases: {uid}")
}

fn client() -> Identity {
    Identity::new("client")
}

async fn hit(throttle: &DynThrottle) -> Decision {
    throttle.hit(&client(), 1).await.unwrap()
}

/// Hits until a lease admits one. Returns the number of hits that were admitted.
async fn hit_until_leased(throttle: &DynThrottle) -> u64 {
    for hits in 1..100 {
        let decision = hit(throttle).await;
        assert!(decision.admitted);
        if decision.provenance == Provenance::Lease {
            return hits;
        }
    }
    panic!("no lease was taken");
}

/// Returns the units that a fresh look at the store reports as used.
async fn used(throttle: &DynThrottle, limit: u64) -> u64 {
    limit - throttle.stat(&client()).await.unwrap().hits_remaining
}

/// Waits for a background task, with a bound.
async fn until_used(throttle: &DynThrottle, limit: u64, expected: u64) {
    for _ in 0..500 {
        if used(throttle, limit).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(used(throttle, limit).await, expected);
}
