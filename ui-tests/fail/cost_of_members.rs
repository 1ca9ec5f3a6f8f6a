//! A cost that a throttle defined elsewhere can never admit.

use traffik::{throttled, throttles};

throttles! {
    /// Short bursts.
    pub throttle Burst(rate = "10/minute");
    /// Steady use.
    pub throttle Sustained(rate = "1000/hour");
}

#[throttled(Burst, Sustained, cost = 11)]
async fn data() {}

fn main() {}
