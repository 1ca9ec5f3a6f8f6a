//! Private throttles that are never used: rustc's own warning at their names, here denied.
#![deny(dead_code)]

use traffik::{throttled, throttles};

throttles! {
    throttle Forgotten(rate = "10/second");
    /// With many keys.
    pub(crate) throttle Elaborate(rate = "10/second", strategy = token_bucket(burst = 20), identifier = header("x-user"), scope = route);
    #[allow(dead_code)]
    throttle Allowed(rate = "10/second");
    throttle Used(rate = "10/second");
}

macro_rules! of_a_macro {
    ($($name:ident)*) => {
        throttles! { $(throttle $name(rate = "10/second");)* }
    };
}

of_a_macro!(Made);

#[throttled(Used)]
async fn handler() {}

fn main() {
    let _ = axum::routing::get::<_, _, ()>(handler);
}
