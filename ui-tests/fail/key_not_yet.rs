//! Keys that are known and do nothing yet; their values are checked all the same.

use traffik::throttled;

#[throttled(
    rate = "5/s",
    on_throttled = teapot,
    only_if = is_write,
    skip_if = is_internal,
    min_wait = "500ms",
    shadow
)]
async fn all_of_them() {}

#[throttled(rate = "5/s", only_if = "is_write", min_wait = "500 mss", shadow = true)]
async fn with_mistakes() {}

#[throttled(rate = "5/s", identifier = |user| user.id, cost = |payload| payload.items.len())]
async fn closures() {}

fn main() {}
