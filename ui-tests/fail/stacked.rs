//! A second throttle with the function's name.

use traffik::throttled;

#[throttled(rate = "5/s")]
#[throttled(rate = "100/hour")]
async fn hello() {}

fn main() {}
