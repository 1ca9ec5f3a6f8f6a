//! A return type that is not a response.

use axum::Router;
use axum::routing::get;
use traffik::throttled;

struct Receipt;

#[throttled(rate = "5/s")]
async fn create() -> Receipt {
    Receipt
}

#[throttled(rate = "5/s")]
async fn wrong_body() -> String {
    5
}

fn main() {
    let _: Router = Router::new().route("/", get(create)).route("/wrong", get(wrong_body));
}
