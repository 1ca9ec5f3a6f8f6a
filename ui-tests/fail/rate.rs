//! Values that `rate` refuses.

use traffik::throttled;

#[throttled(rate = "100/minut")]
async fn unknown_unit() {}

#[throttled(rate = "100 minutes")]
async fn no_separator() {}

#[throttled(rate = 100)]
async fn no_period() {}

#[throttled(rate = 100 / minute)]
async fn no_quotes() {}

#[throttled(rate = 100 per minute)]
async fn words_without_quotes() {}

#[throttled(rate = [])]
async fn empty_list() {}

#[throttled(rate = ["10/second", "1000/huor", PER_DAY])]
async fn list_with_mistakes() {}

#[throttled(rate = |parts| parts.rate())]
async fn closure() {}

#[throttled(rate = Rate::per_minute(100))]
async fn call() {}

#[throttled(rate = 5u32)]
async fn typed() {}

#[throttled(rate = 5.5)]
async fn fraction() {}

#[throttled(rate = "100"/minute)]
async fn quotes_around_the_limit() {}

#[throttled(rate = plan_rate())]
async fn function_called() {}

#[throttled(rate = plans::rate(parts))]
async fn function_called_with_parts() {}

#[throttled(rate = "10/second", "1000/hour", "9000/day")]
async fn several_texts() {}

#[throttled("10/second", "1000/hour")]
async fn several_texts_only() {}

#[throttled(rate = "10/second" "1000/hour")]
async fn two_texts() {}

#[throttled(rate = ("10/second", "1000/hour"))]
async fn tuple() {}

fn main() {}
