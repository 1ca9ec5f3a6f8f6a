//! Sets of throttles.

use traffik::{throttled, throttles};

throttles! {
    /// Short bursts.
    pub throttle Burst(rate = "10/minute");
    /// Steady use.
    pub throttle Sustained(rate = "1000/hour");
    /// Both.
    pub throttle Api(Burst, Sustained);
    /// Both.
    throttle Other = (Burst, Sustained);
}

#[throttled(Burst, Sustained, Burst)]
async fn twice() {}

#[throttled(Burst, Sustained, strategy = gcra, uid = "data", headers = both)]
async fn keys_of_the_definition() {}

#[throttled(Api)]
async fn stub() {}

#[throttled(Burst, r#Burst)]
async fn twice_by_a_raw_name() {}

fn main() {}
