//! A throttle that nobody uses: rustc says so, at its name.
#![deny(dead_code)]

use traffik::{throttled, throttles};

throttles! {
    throttle Used(rate = "5/s");
    throttle Forgotten(rate = "5/s");
    pub throttle ForOthers(rate = "5/s");
}

#[throttled(Used)]
async fn handler() {}

fn main() {
    let _ = handler;
}
