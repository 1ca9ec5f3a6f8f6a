//! The entry point of a program is not a handler.

use traffik::throttled;

#[tokio::main]
#[throttled(rate = "5/s")]
async fn main() {}
