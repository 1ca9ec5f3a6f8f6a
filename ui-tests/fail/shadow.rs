//! `shadow` takes no value and belongs to a definition.

use traffik::{throttled, throttles};

#[throttled(rate = "5/s", shadow = true)]
async fn value() {}

#[throttled(rate = "5/s", shadow, shadow)]
async fn twice() {}

#[throttled(rate = "5/s", shadow(yes))]
async fn list() {}

#[throttled(rate = "5/s", shadw)]
async fn misspelt() {}

throttles! {
    throttle Burst(rate = "5/s");
}

#[throttled(Burst, shadow)]
async fn of_a_use() {}

fn main() {}
