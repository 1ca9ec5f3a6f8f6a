//! Every form of `on_error` and `timeout`, without a warning.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use traffik::{Backend, CircuitBreaker, ErrorKind, Failure, Verdict, throttled, throttles};

static BREAKER: CircuitBreaker = CircuitBreaker::new()
    .failures(10)
    .recovery(Duration::from_secs(60))
    .successes(3);

static COUNTED: LazyLock<Arc<CircuitBreaker>> = LazyLock::new(Arc::default);

fn local() -> Backend {
    Backend::memory()
}

async fn on_backend_error(failure: &Failure<'_>) -> Verdict {
    match failure.error.kind() {
        ErrorKind::Connection => Verdict::Throttle(Duration::from_secs(5)),
        ErrorKind::Timeout => Verdict::Allow,
        _ => Verdict::Raise,
    }
}

const fn at_once(_: &Failure<'_>) -> Verdict {
    Verdict::Raise
}

throttles! {
    defaults(on_error = allow, timeout = "100ms");

    /// By default.
    pub throttle Burst(rate = "10/minute");
    /// Of its own.
    pub throttle Login(rate = "5/15 minutes", on_error = throttle, timeout = "1s");
}

#[throttled(rate = "5/s", on_error = allow)]
async fn allow() {}

#[throttled(rate = "5/s", on_error = "raise", timeout = "50ms")]
async fn raise() {}

#[throttled(rate = "5/s", on_error = on_backend_error)]
async fn handler() {}

#[throttled(rate = "5/s", on_error = self::at_once)]
async fn handler_at_once() {}

#[throttled(rate = "5/s", on_error = retry(max_retries = 3, delay = "100ms", multiplier = 2.0, on = [timeout], even_if_it_may_have_counted))]
async fn retry() {}

#[throttled(rate = "5/s", on_error = retry(on = [timeout]), allow(idle_retry))]
async fn retry_of_nothing() {}

#[throttled(rate = "5/s", on_error = fallback(backend = local(), on = [connection, timeout]))]
async fn fallback() {}

#[throttled(rate = "5/s", on_error = retry(jitter = none, then = fallback(backend = local(), instances = 4, then = on_backend_error)))]
async fn chain() {}

#[throttled(rate = "5/s", on_error = failover(backend = local(), breaker = BREAKER, max_retries = 2))]
async fn failover() {}

#[throttled(rate = "5/s", on_error = failover(backend = local(), breaker = COUNTED.clone()))]
async fn failover_counted() {}

#[throttled(
    rate = "100/minute",
    strategy = "sliding_counter",
    on_error = failover(backend = local(), breaker(failures = 10, recovery = "60s", successes = 3), max_retries = 2),
)]
async fn create() {}

#[throttled(Burst, Login)]
async fn shared() {}

fn main() {
    let router = Router::<()>::new()
        .route("/1", get(allow))
        .route("/2", get(raise))
        .route("/3", get(handler))
        .route("/4", get(handler_at_once))
        .route("/5", get(retry))
        .route("/6", get(retry_of_nothing))
        .route("/7", get(fallback))
        .route("/8", get(chain))
        .route("/9", get(failover))
        .route("/10", get(failover_counted))
        .route("/11", get(create))
        .route("/12", get(shared));
    drop(router);
}
