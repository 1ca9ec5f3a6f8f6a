//! A throttle's own warnings are the only ones: nothing else is left to deny.
#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(deprecated, reason = "the warnings are wanted here")]

use traffik::{throttled, throttles};

throttles! {
    /// A throttle with every warning there is for its strategy.
    throttle Doubtful(rate = ["10/second", "1000/minute", "100000/hour"], scope = "rout", cost = 0);
}

#[throttled(rate = ["0/0", "5/second"])]
async fn unlimited() {}

#[throttled(Doubtful, cost = 0)]
async fn free() {}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/unlimited", axum::routing::get(unlimited))
        .route("/free", axum::routing::get(free));
}
