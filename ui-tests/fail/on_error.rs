//! `on_error` and `timeout`: keywords, parameters, and other values.

use traffik::{Failure, Verdict, throttled};

#[throttled(rate = "5/s", on_error = alow)]
async fn misspelt_word() {}

#[throttled(rate = "5/s", on_error = "alow")]
async fn misspelt_text() {}

#[throttled(rate = "5/s", on_error = retry)]
async fn without_parameters() {}

#[throttled(rate = "5/s", on_error = "failover(backend = local())")]
async fn call_in_quotes() {}

#[throttled(rate = "5/s", on_error = allow())]
async fn word_called() {}

#[throttled(rate = "5/s", on_error = handler(1))]
async fn function_called() {}

#[throttled(rate = "5/s", on_error = |failure| Verdict::Allow)]
async fn closure() {}

#[throttled(rate = "5/s", on_error = 503)]
async fn number() {}

#[throttled(rate = "5/s", on_error = retry(3, retires = 3, max_retries = "3", delay = 100, multiplier = 0.5, jitter = ful, on = timeout))]
async fn retry_of_mistakes() {}

#[throttled(rate = "5/s", on_error = retry(max_retries = 0, max_retries = 1, on = [timeuot, []], even_if_it_may_have_counted = true, then = thottle))]
async fn more_mistakes() {}

#[throttled(rate = "5/s", on_error = retry(delay = "100 mss", on = []))]
async fn nothing() {}

#[throttled(rate = "5/s", on_error = fallback(on = [timeout]))]
async fn no_backend() {}

#[throttled(rate = "5/s", on_error = fallback(backend = Backend::memory(), instances = 0))]
async fn no_instances() {}

#[throttled(rate = "5/s", on_error = failover(Backend::memory(), breaker(failures = 0, recvery = "60s")))]
async fn breaker_of_mistakes() {}

#[throttled(rate = "5/s", timeout = 100)]
async fn timeout_without_quotes() {}

#[throttled(rate = "5/s", timeout = "100 mss")]
async fn timeout_unit() {}

traffik::throttles! {
    throttle Shared(rate = "5/s", on_error = fallbak(backend = Backend::memory()));
}

async fn handler(_: &Failure<'_>) -> Verdict {
    Verdict::Allow
}

#[throttled(rate = "5/s", on_error = retry(max_retries = 3, then))]
async fn then_without_a_value() {}

#[throttled(rate = "5/s", on_error = retry(max_retries = 3, delay: "1s"))]
async fn colon() {}

#[throttled(rate = "5/s", on_error = failover(backend = local(), breaker(failures: 3)))]
async fn colon_of_a_breaker() {}

#[throttled(rate = "5/s", on_error = retry { max_retries: 3 })]
async fn braces() {}

#[throttled(rate = "5/s", on_error = retry[max_retries = 3])]
async fn brackets() {}

fn main() {}
