//! `timeout`, `min_wait` and `spread`: durations in quotes.

use traffik::throttled;

#[throttled(rate = "5/s", timeout = 100, min_wait = 500)]
async fn numbers() {}

#[throttled(rate = "5/s", timeout = "100 mss", min_wait = "500 sconds")]
async fn units() {}

#[throttled(rate = "5/s", timeout = "", min_wait = "ms")]
async fn empty() {}

#[throttled(rate = "5/s", timeout = 100ms, min_wait = half_a_second)]
async fn without_quotes() {}

#[throttled(rate = "5/s", timeout = "0s", min_wait = "-5s")]
async fn none() {}

#[throttled(rate = "5/s", min_wait = "1.5s")]
async fn fractions() {}

#[throttled(rate = "5/s", spread = 5)]
async fn number() {}

#[throttled(rate = "5/s", spread = "5 sconds", spread = "1s")]
async fn twice() {}

#[throttled(rate = "5/s", spread)]
async fn bare() {}

#[throttled(rate = "5/s", min_wait = "0s", spread = "0ms")]
async fn nothing() {}

fn main() {}
