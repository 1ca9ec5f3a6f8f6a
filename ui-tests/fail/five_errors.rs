//! Five errors in one attribute are all reported.

use traffik::throttled;

#[throttled(
    rate = "100/minut",
    strategy = token_bucket(brust = 150),
    identifier = "user_id",
    headers = iet,
    on_eror = allow,
)]
async fn create() {}

fn main() {}
