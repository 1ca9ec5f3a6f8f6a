//! Values that `cost` refuses.

use traffik::throttled;

#[throttled(rate = "5/s", cost = 6)]
async fn over_the_limit() {}

#[throttled(rate = ["5/s", "100/hour"], strategy = token_bucket(burst = 50), cost = 51)]
async fn over_the_burst() {}

#[throttled(rate = ["10/s", "8/hour"], cost = 9)]
async fn over_the_smallest() {}

#[throttled(rate = "10/s", strategy = leaky_bucket_with_queue(queue_size = 3), cost = 4)]
async fn over_the_queue() {}

#[throttled(rate = "5/s", cost = -1)]
async fn negative() {}

#[throttled(rate = "5/s", cost = 1.5)]
async fn fraction() {}

#[throttled(rate = "5/s", cost = "5")]
async fn in_quotes() {}

#[throttled(rate = "5/s", cost = price(parts))]
async fn called() {}

#[throttled(rate = "5/s", cost = 18446744073709551616)]
async fn too_large() {}

#[throttled(rate = "5/s", cost = 5u32)]
async fn typed() {}

#[throttled(rate = "5/s", cost = 5 6)]
async fn two_numbers() {}

#[throttled(rate = "5/s", cost = !5)]
async fn not_five() {}

fn main() {}
