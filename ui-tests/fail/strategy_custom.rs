//! A value that is not a strategy.

use traffik::throttled;

#[derive(Debug)]
struct Mine;

#[throttled(rate = "5/s", strategy = custom(Mine))]
async fn no_strategy() {}

fn main() {}
