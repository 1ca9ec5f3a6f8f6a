//! User items whose names are near to keywords.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{Failure, Identity, Verdict, throttled};

macro_rules! identifiers {
    ($($name:ident $handler:ident),+) => {
        $(
            const fn $name(_: &Parts) -> Identity {
                Identity::everyone()
            }

            #[throttled(rate = "5/s", identifier = $name)]
            async fn $handler() {}
        )+

        fn identified() -> Router {
            Router::new()$(.route(concat!("/", stringify!($handler)), get($handler)))+
        }
    };
}

identifiers!(
    bearer of_bearer, reader of_reader, headers of_headers, ips of_ips, id of_id, everyon of_everyon, loader of_loader,
    tip of_tip
);

const fn routes(_: &Parts) -> &'static str {
    "eu"
}

#[throttled(rate = "5/s", scope = routes)]
async fn of_routes() {}

const fn rout(_: &Parts) -> &'static str {
    "us"
}

#[throttled(rate = "5/s", scope = rout)]
async fn of_rout() {}

const fn allowed(_: &Failure<'_>) -> Verdict {
    Verdict::Allow
}

#[throttled(rate = "5/s", on_error = allowed)]
async fn of_allowed() {}

const fn raised(_: &Failure<'_>) -> Verdict {
    Verdict::Raise
}

#[throttled(rate = "5/s", on_error = retry(max_retries = 1, then = raised))]
async fn of_raised() {}

fn main() {
    let _: Router = identified()
        .route("/1", get(of_routes))
        .route("/2", get(of_rout))
        .route("/3", get(of_allowed))
        .route("/4", get(of_raised));
}
