//! Every strategy, with parameters under which all of them start with as much as the rate's limit.

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Strategy, Tiered, TimeOfDay, TokenBucket,
};
use traffik::{DynThrottleBuilder, Rate};

use super::client::{Client, micros};

/// How a throttle gets a strategy.
type With = Box<dyn Fn(DynThrottleBuilder) -> DynThrottleBuilder>;

fn with<S: Strategy>(make: impl Fn() -> S + 'static) -> With {
    Box::new(move |builder| builder.strategy(make()))
}

/// Those of which a hit takes its cost, by name.
pub(crate) fn strategies() -> Vec<(&'static str, With)> {
    let tiers = || Tiered::new().tier("free", 1.0).default_tier("free");
    let hours = || TimeOfDay::new().window("00:00-24:00", 1.0);
    let even = || Priority::new().normal(1.0).high(1.0);
    vec![
        ("fixed window", with(FixedWindow::new)),
        ("tiered", with(tiers)),
        ("time of day", with(hours)),
        ("rollover", with(|| QuotaWithRollover::new().percent(0.0))),
        ("adaptive", with(|| Adaptive::new().threshold(1.0))),
        ("sliding counter", with(SlidingCounter::new)),
        ("sliding log", with(SlidingLog::new)),
        ("priority", with(even)),
        ("token bucket", with(TokenBucket::new)),
        ("leaky bucket", with(LeakyBucket::new)),
        ("queue", with(LeakyBucketWithQueue::new)),
        ("cost based", with(CostBasedTokenBucket::new)),
    ]
}

/// A client of each at this rate.
pub(crate) fn at_once(rate: &str) -> Vec<(&'static str, Client)> {
    let named = strategies().into_iter();
    named
        .map(|(name, with)| (name, Client::with(with, rate)))
        .collect()
}

/// The same beside a GCRA, for hits of cost 1: a single one may take its whole limit (L17).
pub(crate) fn by_ones(rate: &str) -> Vec<(&'static str, Client)> {
    let of: Rate = rate.parse().expect("a rate");
    let limit = u64::from(of.limit()).max(1);
    // As early as all hits but the first: one an emission interval.
    let tolerance = micros((of.period_micros() * (limit - 1)).div_ceil(limit));
    let gcra = Client::of(Gcra::new().burst_tolerance(tolerance), rate);
    let mut clients = at_once(rate);
    clients.push(("gcra", gcra));
    clients
}
