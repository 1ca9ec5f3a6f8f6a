//! Keys that are written twice.

use traffik::throttled;

#[throttled(rate = "10/second", rate = "1000/hour")]
async fn two_rates() {}

#[throttled(rate = "10/second", cost = 1, headers = both, cost = 2)]
async fn two_costs() {}

fn main() {}
