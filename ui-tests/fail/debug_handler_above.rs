//! `#[throttled]` belongs above `#[debug_handler]`; rustc reports the other order like this.

use axum::debug_handler;
use traffik::throttled;

#[debug_handler]
#[throttled(rate = "5/s")]
async fn hello() -> &'static str {
    "hello"
}

fn main() {}
