//! What an identifier is not.

use traffik::throttled;

#[throttled(rate = "5/s", identifier = "user_id")]
async fn path_in_quotes() {}

#[throttled(rate = "5/s", identifier = "header(\"x-api-key\")")]
async fn call_in_quotes() {}

#[throttled(rate = "5/s", identifier = user_id())]
async fn called() {}

#[throttled(rate = "5/s", identifier = everyon)]
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

fn main() {}
