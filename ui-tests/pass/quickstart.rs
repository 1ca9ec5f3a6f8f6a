//! The smallest program.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use axum::Router;
use axum::routing::get;
use traffik::{Throttle, throttled};

#[throttled(rate = "5/10s")]
async fn hello() -> &'static str {
    "hello\n"
}

const fn is_throttle<T: Throttle>() {}

fn main() {
    is_throttle::<hello>();
    let _: Router = Router::new().route("/", get(hello));
}
