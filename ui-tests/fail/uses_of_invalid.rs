//! Uses of a handler or throttle with errors cause no further errors.

use axum::Router;
use axum::routing::get;
use traffik::{Throttle, throttled, throttles};

throttles! {
    /// Short bursts.
    throttle Burst(rate = "10/minut");
}

#[throttled(rate = "100/minut")]
async fn hello() -> &'static str {
    "hello"
}

#[throttled(Burst)]
async fn data() -> &'static str {
    "data"
}

fn uses<T: Throttle>() {}

fn main() {
    uses::<hello>();
    uses::<(hello, Burst)>();
    let _: Router = Router::new().route("/", get(hello)).route("/data", get(data));
}
