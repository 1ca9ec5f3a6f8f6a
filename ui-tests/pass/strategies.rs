//! Every strategy of the catalog, with every parameter.
#![deny(warnings, clippy::pedantic, clippy::nursery)]

use traffik::throttled;

/// A load that is never high.
const fn current_load() -> f64 {
    0.25
}

traffik::throttles! {
    throttle Window(rate = "100/minute", strategy = fixed_window);
    throttle Log(rate = "100/minute", strategy = sliding_log);
    throttle Counter(rate = "100/minute", strategy = "sliding_counter");
    throttle Bucket(rate = "100/minute", strategy = token_bucket(burst = 150, debt = 10));
    throttle Leaky(rate = "100/minute", strategy = leaky_bucket(capacity = 20));
    throttle Queue(rate = "100/minute", strategy = leaky_bucket_with_queue(queue_size = 5));
    throttle Spaced(rate = "100/minute", strategy = gcra(burst_tolerance = "500ms"));
    throttle Tiers(rate = "100/minute", strategy = tiered(free = 1.0, premium = 5.0, trial = 0.5, default = free));
    throttle Load(
        rate = "100/minute",
        strategy = adaptive(threshold = "75%", reduction = 0.5, recovery = 0.2, min = 0.25, load = current_load),
    );
    throttle Own(rate = "100/minute", strategy = adaptive);
    throttle Shares(rate = "100/minute", strategy = priority(low = 0.25, normal = 0.5, high = 0.75, critical = 1.0));
    throttle Quota(rate = "1000/day", strategy = quota_with_rollover(percent = 25, max = 100));
    throttle Hours(
        rate = "100/minute",
        strategy = time_of_day(windows = ["22:00-06:00" = 2.0, "12:00-13:00" = 0], utc_offset = "+05:30"),
    );
    throttle Costly(rate = "100/minute", strategy = cost_based_token_bucket(burst = 50, window = 20, min_refill = 0.25));
}

#[throttled(Window, Log, Counter, Bucket, Leaky, Queue, Spaced, Tiers)]
#[throttled(Load, Own, Shares, Quota, Hours, Costly)]
async fn hello() -> &'static str {
    "hello\n"
}

fn main() {
    let _: axum::Router = axum::Router::new().route("/", axum::routing::get(hello));
}
