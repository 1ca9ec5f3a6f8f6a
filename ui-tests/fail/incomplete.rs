//! A body that is being typed still expands: only rustc's own errors about it are reported.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use traffik::{Throttle, throttled};

#[throttled(rate = "5/s")]
async fn hello(State(app): State<String>) -> String {
    let text = app.
}

fn uses<T: Throttle>() {}

fn main() {
    uses::<hello>();
    let _: Router<String> = Router::new().route("/", get(hello));
}
