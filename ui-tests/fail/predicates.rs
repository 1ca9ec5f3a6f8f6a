//! Values that `only_if` and `skip_if` refuse.

use axum::http::request::Parts;
use traffik::{throttled, throttles};

throttles! {
    defaults(only_if = "is_write", skip_if = !is_write);

    throttle Quoted(rate = "5/s", skip_if = is_write());
    throttle Closure(rate = "5/s", only_if = |parts| parts.uri == "/");
    throttle Always(rate = "5/s", only_if = true);
    throttle Number(rate = "5/s", skip_if = 5);
    throttle Same(rate = "5/s", only_if = is_write, skip_if = is_write);
}

throttles! {
    throttle Burst(rate = "5/s");
    throttle Count(rate = "5/s", only_if = count);
    throttle Missing(rate = "5/s", skip_if = is_wrte);
}

#[throttled(Burst, only_if = count)]
async fn of_a_use() {}

#[throttled(Burst, skip_if = method)]
async fn of_no_answer() {}

fn is_write(parts: &Parts) -> bool {
    !parts.method.is_safe()
}

fn count(_: &Parts) -> u32 {
    5
}

async fn method(_: &Parts) -> Option<bool> {
    None
}

fn main() {}
