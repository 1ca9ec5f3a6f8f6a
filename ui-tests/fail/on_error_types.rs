//! Items of the wrong type as `on_error`.

use traffik::failure::CircuitBreaker;
use traffik::{Backend, Failure, Verdict, throttled};

const BREAKER: CircuitBreaker = CircuitBreaker::new();

async fn wrong_argument(_: &str) -> Verdict {
    Verdict::Allow
}

async fn wrong_answer(_: &Failure<'_>) -> bool {
    true
}

#[throttled(rate = "5/s", on_error = wrong_argument)]
async fn argument() {}

#[throttled(rate = "5/s", on_error = wrong_answer)]
async fn answer() {}

#[throttled(rate = "5/s", on_error = unknown)]
async fn unknown_handler() {}

#[throttled(rate = "5/s", on_error = fallback(backend = "memory"))]
async fn no_backend() {}

#[throttled(rate = "5/s", on_error = failover(backend = Backend::memory(), breaker = BREAKER))]
async fn constant_breaker() {}

fn main() {}
