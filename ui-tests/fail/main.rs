//! Where a program starts is no handler.

use traffik::throttled;

#[tokio::main]
#[throttled(rate = "5/s")]
async fn main() {}
