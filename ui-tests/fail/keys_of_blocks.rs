//! Keys that are not allowed in a block, in its defaults, or with throttles defined elsewhere.

use traffik::{throttled, throttles};

throttles! {
    defaults(rate = "5/s", cost = 5, uid = "all", policy = "all", name = All);

    throttle Named(rate = "5/s", name = Other);
    throttle Empty();
    throttle Flag(rate = "5/s", identifier);
    throttle Unquoted(rate = 5 / s);
    throttle Colon(rate: "5/s");
    throttle Missing(rate = , cost = );
    throttle Comma(rate = "5/s" cost = 5);
    throttle Literal("5/s", 5);
}

throttles! {
    throttle Burst(rate = "5/s");
}

#[throttled(
    Burst,
    strategy = gcra,
    identifier = ip,
    backend = local(),
    on_error = allow,
    scope = route,
    min_wait = "1s",
    timeout = "1s",
    shadow,
    uid = "x",
    policy = "x",
    name = X
)]
async fn handler() {}

#[throttled(rate = "5/s", Burst)]
async fn behind() {}

fn main() {}
