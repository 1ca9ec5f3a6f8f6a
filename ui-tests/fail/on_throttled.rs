//! Values that `on_throttled` refuses.

use traffik::{Rejection, throttled, throttles};

throttles! {
    defaults(on_throttled = "slow_down");

    throttle Called(rate = "5/s", on_throttled = slow_down());
    throttle Closure(rate = "5/s", on_throttled = |_| "slow down");
    throttle Number(rate = "5/s", on_throttled = 429);
}

throttles! {
    throttle Burst(rate = "5/s");
    throttle NoAnswer(rate = "5/s", on_throttled = number);
}

#[throttled(Burst, on_throttled = of_a_number)]
async fn other_argument() {}

#[throttled(Burst, on_throttled = slow_dwn)]
async fn unknown() {}

fn slow_down(_: &Rejection) -> &'static str {
    "slow down"
}

fn number(_: &Rejection) -> u8 {
    5
}

fn of_a_number(_: u8) -> &'static str {
    "5"
}

fn main() {}
