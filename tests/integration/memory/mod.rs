//! The memory backend under concurrent threads and tasks, and its capacity.

mod capacity;
mod changed_rates;
mod clear;
mod custom;
mod end_of_time;
mod floods;
mod growth;
mod moves;
mod paths;
mod sets;
mod tasks;

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Tiered, TimeOfDay, TokenBucket,
};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity};
use traffik_tests::poll_once;

/// Builds a throttle for every strategy, each of which admits `limit` units at once in an hour and
/// refills none. GCRA, whose limit one hit may take whole at any time, is the last.
pub(crate) fn each(backend: &Backend, limit: u64) -> [(&'static str, DynThrottle); 13] {
    each_named("", backend, limit)
}

/// Builds the throttles of [`each`] with uids that begin with a prefix.
pub(crate) fn each_named(
    prefix: &str,
    backend: &Backend,
    limit: u64,
) -> [(&'static str, DynThrottle); 13] {
    let rate = traffik::Rate::per_hour(limit);
    let of = |builder: DynThrottleBuilder| {
        let builder = builder.rate(rate).backend(backend.clone());
        builder.build().expect("a throttle that works")
    };
    let named = |name: &str| DynThrottle::builder(format!("{prefix}{name}"));
    // As early as all hits but the first: one per emission interval.
    let tolerance = Duration::from_micros(rate.period_micros() / limit * (limit - 1));
    let tiers = Tiered::new().tier("free", 1.0).default_tier("free");
    let hours = TimeOfDay::new().window("00:00-24:00", 1.0);
    let even = Priority::new().normal(1.0).high(1.0);
    [
        (
            "fixed window",
            of(named("fixed window").strategy(FixedWindow::new())),
        ),
        ("tiered", of(named("tiered").strategy(tiers))),
        ("time of day", of(named("time of day").strategy(hours))),
        (
            "rollover",
            of(named("rollover").strategy(QuotaWithRollover::new().percent(0.0))),
        ),
        (
            "adaptive",
            of(named("adaptive").strategy(Adaptive::new().threshold(1.0))),
        ),
        (
            "sliding counter",
            of(named("sliding counter").strategy(SlidingCounter::new())),
        ),
        (
            "sliding log",
            of(named("sliding log").strategy(SlidingLog::new())),
        ),
        ("priority", of(named("priority").strategy(even))),
        (
            "token bucket",
            of(named("token bucket").strategy(TokenBucket::new())),
        ),
        (
            "leaky bucket",
            of(named("leaky bucket").strategy(LeakyBucket::new())),
        ),
        (
            "queue",
            of(named("queue").strategy(LeakyBucketWithQueue::new())),
        ),
        (
            "cost based",
            of(named("cost based").strategy(CostBasedTokenBucket::new())),
        ),
        (
            "gcra",
            of(named("gcra").strategy(Gcra::new().burst_tolerance(tolerance))),
        ),
    ]
}

/// Reports that the throttle admits a hit.
fn admits(throttle: &DynThrottle, client: &Identity, cost: u64) -> bool {
    poll_once(throttle.hit(client, cost))
        .expect("memory always answers")
        .admitted
}

/// Returns the remaining units.
fn remaining(throttle: &DynThrottle, client: &Identity) -> u64 {
    poll_once(throttle.stat(client))
        .expect("memory always answers")
        .hits_remaining
}
