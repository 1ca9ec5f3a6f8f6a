//! `#[throttled]` belongs above `#[debug_handler]`; this is rustc's answer to the other order.

use axum::debug_handler;
use traffik::throttled;

#[debug_handler]
#[throttled(rate = "5/s")]
async fn hello() -> &'static str {
    "hello"
}

fn main() {}
