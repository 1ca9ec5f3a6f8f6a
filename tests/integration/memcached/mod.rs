//! Memcached: values, locks, decisions, and failures of connections. Every test has a server or a
//! namespace of its own.

mod authentication;
mod clear;
mod decisions;
mod faults;
mod hangups;
mod independent_client;
mod lists;
mod mismatched_replies;
mod nodes;
mod processes;
mod replaced_counters;
mod shared_connection;
mod tls;
mod written_or_not;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use traffik::failure::raise;
use traffik::{Backend, DynThrottle, MemcachedBackend, MemcachedNodes};
use traffik_tests::MemcachedServer;

/// The timeout of an operation on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Returns a backend's settings with a namespace that no other test has.
pub(crate) fn settings(nodes: impl Into<MemcachedNodes>) -> MemcachedBackend {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let namespace = format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    Backend::memcached(nodes)
        .namespace(namespace)
        .timeout(PATIENCE)
}

pub(crate) async fn connect(server: &MemcachedServer) -> Backend {
    let backend = settings(server.url()).connect().await;
    backend.expect("the server is there")
}

/// Builds a throttle under fixed windows.
fn throttle(backend: &Backend, rate: &str) -> DynThrottle {
    let throttle = DynThrottle::builder(rate).rate(rate.parse().expect("a rate"));
    throttle
        .backend(backend.clone())
        .on_error(raise())
        .build()
        .expect("a throttle that works")
}
