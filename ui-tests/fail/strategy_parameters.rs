//! Strategy parameters that are out of range.

traffik::throttles! {
    throttle NoDefault(rate = "10/s", strategy = tiered(free = 1.0, premium = 5.0));
    throttle OtherDefault(rate = "10/s", strategy = tiered(free = 1.0, default = fre));
    throttle Rounded(rate = "3/s", strategy = tiered(free = 0.3, default = free));
    throttle Multiplier(rate = "10/s", strategy = tiered(free = "much", default = free));
    throttle Fine(rate = "10/s", strategy = tiered(free = 0.1234567, default = free));
    throttle Share(rate = "10/s", strategy = adaptive(threshold = 1.5, reduction = "60", load = || 0.5));
    throttle Zero(rate = "10/s", strategy = adaptive(recovery = 0));
    throttle Sorted(rate = "10/s", strategy = priority(low = 0.9));
    throttle Percent(rate = "10/s", strategy = quota_with_rollover(percent = 150));
    throttle Hours(rate = "10/s", strategy = time_of_day(windows = "08:00-18:00", utc_offset = "5"));
    throttle Empty(rate = "10/s", strategy = time_of_day(windows = ["08:00-08:00" = 2.0]));
    throttle Covered(rate = "10/s", strategy = time_of_day(windows = ["08:00-18:00" = 2.0, "09:00-10:00" = 3.0]));
    throttle Clock(rate = "10/s", strategy = time_of_day(windows = ["8-18" = 2.0, "22:00-25:00" = 1.0]));
    throttle Places(rate = "10/s", strategy = cost_based_token_bucket(min_refill = 0.0005));
    throttle Burst(rate = "10/s", strategy = token_bucket(burst = 0));
    throttle Capacity(rate = "10/s", strategy = leaky_bucket(capacity = 0));
    throttle Mean(rate = "10/s", strategy = cost_based_token_bucket(burst = 0, window = 0));
    throttle Critical(rate = "10/s", strategy = priority(critical = 0.99));
    throttle Middle(rate = "10/s", strategy = priority(high = 0.7));
    throttle NoHours(rate = "10/s", strategy = time_of_day(windows = []));
    throttle Closed(rate = "10/s", strategy = time_of_day(windows = ["00:00-24:00" = 0]));
    throttle Tolerance(rate = "10/s", strategy = gcra(burst_tolerance = "4000d"));
    throttle Tick(rate = ["10/s", "4294967295/3650d"], strategy = sliding_counter);
    throttle OfRequests(rate = limits, strategy = adaptive(min = 0));
    throttle Unlimited(rate = "0/0", strategy = adaptive(reduction = 1));
    throttle Queue(rate = "10/s", strategy = leaky_bucket_with_queue(queue_size = 0));
    throttle Cost(rate = "10/s", strategy = tiered(free = 1.0, premium = 2.0, default = free), cost = 21);
    throttle Negative(rate = "10/s", strategy = tiered(free = -1.0, default = free));
    throttle NegativeShare(rate = "10/s", strategy = adaptive(min = -0.5));
    throttle NegativeCount(rate = "10/s", strategy = token_bucket(burst = -5));
    throttle Sign(rate = "10/s", strategy = priority(low = 50%));
    throttle Signs(rate = "10/s", strategy = priority(low = 50%, high = 90%));
    throttle PercentSign(rate = "10/s", strategy = quota_with_rollover(percent = 50%, max = 10));
}

/// A limit of each request's own.
async fn limits(_: &axum::http::request::Parts) -> traffik::Rate {
    traffik::Rate::UNLIMITED
}

#[traffik::throttled(rate = "5/s", strategy = gcra(burst_tolerance))]
async fn name_without_a_value() {}

#[traffik::throttled(rate = "5/s", strategy = time_of_day("08:00-18:00" = 2.0))]
async fn window_without_a_list() {}

#[traffik::throttled(rate = "5/s", strategy = token_bucket[burst = 5])]
async fn brackets() {}

#[traffik::throttled(rate = "5/s", strategy = token_bucket { burst: 5 })]
async fn braces() {}

#[traffik::throttled(rate = "5/s", strategy = b"gcra")]
async fn bytes() {}

fn main() {}
