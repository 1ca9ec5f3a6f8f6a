//! Decisions on Redis: their results and their commands.

mod batches;
mod clusters;
mod commands;
mod custom;
mod faults;
mod keys;
mod logs;
mod logs_at_random;
mod long_logs;
mod processes;

use traffik::{Backend, DynThrottle, Identity};

use super::connect;
use crate::memory::each;

/// Reports that the throttle admits a hit.
async fn admits(throttle: &DynThrottle, client: &Identity, cost: u64) -> bool {
    let decision = throttle.hit(client, cost).await;
    decision.expect("the server is there").admitted
}

/// Builds a throttle of a rate under fixed windows.
fn throttle(uid: &str, rate: &str, backend: &Backend) -> DynThrottle {
    let builder = DynThrottle::builder(uid).rate(rate.parse().expect("a rate"));
    let throttle = builder.backend(backend.clone()).build();
    throttle.expect("a throttle that works")
}
