//! Throttles that do not exist, or are none.

use traffik::{throttled, throttles};

throttles! {
    /// Short bursts.
    pub throttle Burst(rate = "10/minute");
}

#[throttled(Brust)]
async fn misspelt() {}

struct NoThrottle;

#[throttled(Burst, NoThrottle)]
async fn no_throttle() {}

fn main() {}
