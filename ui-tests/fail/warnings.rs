//! Code that is legal but probably not intended: a warning at the token, here denied.
#![deny(deprecated)]

use traffik::{throttled, throttles};

throttles! {
    throttle Unreachable(rate = ["10/second", "1000/minute"]);
    throttle Twice(rate = ["60/minute", "5/second", "60/60s"]);
    throttle Several(rate = ["10/second", "1000/minute", "100000/hour"], strategy = sliding_log);
    throttle OneBurst(rate = ["100/second", "1000/minute"], strategy = token_bucket(burst = 50));
    throttle Unlimited(rate = ["0/0", "5/second"]);
    throttle Free(rate = "5/second", cost = 0);
    throttle Scope(rate = "5/second", scope = "rout");
    throttle Coarse(rate = "100/week", strategy = time_of_day(windows = ["08:00-18:00" = 2.0]));
    throttle Short(rate = "100/2h", strategy = time_of_day(windows = ["08:00-18:00" = 2.0, "22:30-00:30" = 3.0]));
    throttle Boundary(rate = ["100/hour", "9/minute"], strategy = fixed_window);
    throttle NoBoundary(rate = "10/minute", strategy = fixed_window);
    throttle NotChosen(rate = "5/minute");
    throttle AllowedBoundary(rate = "5/minute", strategy = fixed_window, allow(boundary_burst));
}

#[throttled(rate = ["0/0", "5/second"], cost = 0, scope = "throttles")]
async fn three() {}

#[throttled(Free, Scope, cost = 0)]
async fn of_a_set() {}

fn main() {}
