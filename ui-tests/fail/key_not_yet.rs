//! Keys that are known and do nothing yet; their values are checked all the same.

use traffik::throttled;

#[throttled(
    rate = "5/s",
    on_throttled = teapot,
    shadow
)]
async fn all_of_them() {}

#[throttled(rate = "5/s", shadow = true)]
async fn with_mistakes() {}

fn main() {}
