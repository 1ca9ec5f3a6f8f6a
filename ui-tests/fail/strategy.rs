//! Values that `strategy` refuses.

use traffik::throttled;

#[throttled(rate = "5/s", strategy = tokn_bucket)]
async fn misspelt() {}

#[throttled(rate = "5/s", strategy = "sliding_window")]
async fn foreign() {}

#[throttled(rate = "5/s", strategy = magic)]
async fn unheard_of() {}

#[throttled(rate = "5/s", strategy = sliding_counter(burst = 5))]
async fn parameter_of_another() {}

#[throttled(rate = "5/s", strategy = token_bucket(brust = 5, burst = 0, debt = "two", burst = -1))]
async fn several_mistakes() {}

#[throttled(rate = "5/s", strategy = token_bucket(10))]
async fn parameter_without_name() {}

#[throttled(rate = "5/s", strategy = "token_bucket(burst = 10)")]
async fn call_in_quotes() {}

#[throttled(rate = "5/s", strategy = my::Strategy)]
async fn own_without_custom() {}

#[throttled(rate = "5/s", strategy = custom)]
async fn custom_without_value() {}

#[throttled(rate = "5/s", strategy = custom(LEAK))]
async fn custom_of_unknown_type() {}

#[throttled(rate = "5/s", strategy = MyStrategy)]
async fn type_without_custom() {}

#[throttled(rate = "5/s", strategy = MyStrategy::new())]
async fn value_without_custom() {}

#[throttled(rate = "5/s", strategy = LEAK)]
async fn constant_without_custom() {}

#[throttled(rate = "5/s", strategy = my_strategy())]
async fn function_without_custom() {}

#[throttled(rate = "5/s", strategy = TokenBucket)]
async fn another_case() {}

#[throttled(rate = "5/s", strategy = token_bucket { burst = 10 })]
async fn braces() {}

#[throttled(rate = "5/s", strategy = token_bucket { burst: 10, debt: 5 })]
async fn braces_and_colons() {}

#[throttled(rate = "5/s", strategy = token_bucket(burst: 10))]
async fn colon() {}

fn main() {}
