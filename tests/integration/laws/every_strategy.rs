//! Every strategy, with parameters under which all start with the rate's limit.

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Tiered, TimeOfDay, TokenBucket,
};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Rate};

use super::client::{Client, micros};

/// Expands an expression for each strategy of which a hit takes its cost, with its name.
macro_rules! each {
    ($strategy:ident => $made:expr) => {
        each!(@ $strategy => $made,
            "fixed window": FixedWindow::new(),
            "tiered": Tiered::new().tier("free", 1.0).default_tier("free"),
            "time of day": TimeOfDay::new().window("00:00-24:00", 1.0),
            "rollover": QuotaWithRollover::new().percent(0.0),
            "adaptive": Adaptive::new().threshold(1.0),
            "sliding counter": SlidingCounter::new(),
            "sliding log": SlidingLog::new(),
            "priority": Priority::new().normal(1.0).high(1.0),
            "token bucket": TokenBucket::new(),
            "leaky bucket": LeakyBucket::new(),
            "queue": LeakyBucketWithQueue::new(),
            "cost based": CostBasedTokenBucket::new(),
        )
    };
    (@ $strategy:ident => $made:expr, $($name:literal: $value:expr,)+) => {
        vec![$({
            let $strategy = $value;
            ($name, $made)
        },)+]
    };
}

/// Creates a client of each strategy at a rate.
pub(crate) fn at_once(rate: &str) -> Vec<(&'static str, Client)> {
    each!(strategy => Client::of(strategy, rate))
}

/// Adds a GCRA for hits of cost 1, since a single hit may take its whole limit (L17).
pub(crate) fn by_single_hits(rate: &str) -> Vec<(&'static str, Client)> {
    let of: Rate = rate.parse().expect("a rate");
    let limit = of.limit().max(1);
    // As early as all hits but the first: one per emission interval.
    let tolerance = micros((of.period_micros() * (limit - 1)).div_ceil(limit));
    let gcra = Client::of(Gcra::new().burst_tolerance(tolerance), rate);
    let mut clients = at_once(rate);
    clients.push(("gcra", gcra));
    clients
}

/// Returns the builders of throttles, all with one uid on one backend: each is built after the
/// previous one was dropped.
pub(crate) fn of_one_uid(backend: &Backend, rate: Rate) -> Vec<(&'static str, DynThrottleBuilder)> {
    let builder = || {
        DynThrottle::builder("one")
            .rate(rate)
            .backend(backend.clone())
    };
    each!(strategy => builder().strategy(strategy))
}
