//! `allow(…)` switches warnings off, and code that is only similar gets none.
#![deny(warnings, clippy::pedantic, clippy::nursery)]

use traffik::{throttled, throttles};

throttles! {
    throttle Unreachable(rate = ["10/second", "1000/minute"], allow(unreachable_rate));
    throttle Twice(rate = ["60/minute", "5/second", "60/60s"], allow(unreachable_rate));
    throttle Unlimited(rate = ["0/0", "5/second"], allow(unlimited_rate));
    throttle Free(rate = "5/second", cost = 0, allow(zero_cost));
    throttle Scope(rate = "5/second", scope = "rout", allow(misspelt_scope));
    throttle Coarse(
        rate = "100/week",
        strategy = time_of_day(windows = ["08:00-18:00" = 2.0]),
        allow(coarse_rate),
    );
    throttle Short(
        rate = "100/2h",
        strategy = time_of_day(windows = ["22:30-00:30" = 3.0]),
        allow(short_window),
    );
}

throttles! {
    defaults(allow(unreachable_rate, unlimited_rate));
    throttle Inherits(rate = ["10/second", "1000/minute"]);
    throttle Adds(rate = ["0/0", "5/second"], cost = 0, allow(zero_cost));
}

throttles! {
    throttle Reached(rate = ["10/second", "100/minute"]);
    // Windows of a week do not start with those of a month.
    throttle Unaligned(rate = ["100/7d", "500/30d"]);
    throttle Burst(rate = ["100/second", "1000/minute"], strategy = token_bucket);
    throttle Carried(rate = ["10/second", "600/minute"], strategy = quota_with_rollover);
    throttle Apart(rate = "5/second", scope = "eu");
    throttle Hours(rate = "100/hour", strategy = time_of_day(windows = ["08:00-10:00" = 2.0]));
}

#[throttled(rate = ["0/0", "5/second"], cost = 0, scope = "throttles", allow(misspelt_scope, unlimited_rate, zero_cost))]
async fn three() {}

#[throttled(Free, Scope, cost = 0, allow(zero_cost))]
async fn of_a_set() {}

#[throttled(Unreachable, Twice, Unlimited, Coarse, Short, Inherits, Adds)]
async fn used() {}

#[throttled(Reached, Unaligned, Burst, Carried, Apart, Hours)]
async fn used_too() {}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/three", axum::routing::get(three))
        .route("/set", axum::routing::get(of_a_set))
        .route("/used", axum::routing::get(used))
        .route("/used_too", axum::routing::get(used_too));
}
