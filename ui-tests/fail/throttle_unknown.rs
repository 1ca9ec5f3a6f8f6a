//! Throttles that do not exist, and types that are not throttles.

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
