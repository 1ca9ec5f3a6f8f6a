//! Values that `uid`, `policy`, `name`, `crate` and `allow` refuse.

use traffik::throttled;

#[throttled(rate = "5/s", uid = uploads, name = "Uploads", crate = "framework::traffik")]
async fn wrong_quotes() {}

#[throttled(rate = "5/s", uid = "", name = my::Uploads, crate = framework::traffik)]
async fn wrong_shape() {}

#[throttled(rate = "5/s", allow(unreachable_rates, dead_code))]
async fn unknown_warnings() {}

#[throttled(rate = "5/s", name = crate)]
async fn keyword() {}

#[throttled(rate = "5/s", crate = ::axum::extract)]
async fn crate_of_something_else() {}

#[throttled(rate = "5/s", name = type)]
async fn another_keyword() {}

#[throttled(rate = "5/s", policy = inserts)]
async fn policy_without_quotes() {}

#[throttled(rate = "5/s", policy = "")]
async fn empty_policy() {}

fn main() {}
