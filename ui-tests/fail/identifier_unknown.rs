//! A function that does not exist: rustc reports it at its name.

use traffik::throttled;

#[throttled(rate = "5/s", identifier = usr_id)]
async fn hello() {}

async fn user_id(_: &axum::http::request::Parts) -> traffik::Identity {
    traffik::Identity::everyone()
}

fn main() {}
