//! Predicates that do not exist: rustc suggests a similar name.

use axum::http::request::Parts;
use traffik::{throttled, throttles};

throttles! {
    throttle Burst(rate = "5/s", skip_if = is_wrte);
}

#[throttled(Burst, only_if = is_writ)]
async fn handler() {}

fn is_write(parts: &Parts) -> bool {
    !parts.method.is_safe()
}

fn main() {}
