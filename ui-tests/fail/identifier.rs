//! Values that `identifier` refuses.

use traffik::throttled;

#[throttled(rate = "5/s", identifier = "user_id")]
async fn path_in_quotes() {}

#[throttled(rate = "5/s", identifier = "header(\"x-api-key\")")]
async fn call_in_quotes() {}

#[throttled(rate = "5/s", identifier = user_id())]
async fn called() {}

#[throttled(rate = "5/s", identifier = evryone)]
async fn misspelt() {}

#[throttled(rate = "5/s", identifier = header)]
async fn header_without_name() {}

#[throttled(rate = "5/s", identifier = header(X_API_KEY))]
async fn header_without_quotes() {}

#[throttled(rate = "5/s", identifier = header("x api key"))]
async fn no_header_name() {}

#[throttled(rate = "5/s", identifier = everyone())]
async fn word_called() {}

#[throttled(rate = "5/s", identifier = 5)]
async fn number() {}

#[throttled(rate = "5/s", identifier = Identity::everyone())]
async fn constructor_called() {}

#[throttled(rate = "5/s", identifier = traffik::Identity::ip)]
async fn constructor() {}

#[throttled(rate = "5/s", identifier = Identity::new("me"))]
async fn value() {}

#[throttled(rate = "5/s", identifier = Everyone)]
async fn another_case() {}

#[throttled(rate = "5/s", identifier = haeder("x-api-key"))]
async fn misspelt_with_a_name() {}

#[throttled(rate = "5/s", identifier = "reader")]
async fn near_a_word_in_quotes() {}

#[throttled(rate = "5/s", identifier = reader(parts))]
async fn near_a_word_called() {}

#[throttled(ip)]
async fn bare() {}

#[throttled(header("x-api-key"))]
async fn bare_header() {}

#[throttled(identifier = ip)]
async fn rate_missing() {}

#[throttled(rate = "5/s", token_bucket(burst = 5))]
async fn strategy_only() {}

#[throttled(rate = "5/s", retry(max_retries = 3))]
async fn policy_only() {}

fn main() {}
