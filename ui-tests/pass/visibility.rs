//! Handlers that are more visible than their throttles, in every form of the attribute.

#![deny(warnings, missing_docs, missing_debug_implementations)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use axum::Router;
use axum::routing::{get, post};

mod limits {
    //! Throttles of the crate.
    #![allow(
        clippy::redundant_pub_crate,
        reason = "the visibilities are what is tested"
    )]

    traffik::throttles! {
        /// Of the crate.
        pub(crate) throttle Crate(rate = "5/s");
        /// Of the module above.
        pub(super) throttle Above(rate = "5/s");
    }
}

pub mod routes {
    //! The public routes.

    use axum::extract::Path;
    use axum::http::request::Parts;
    use traffik::{Identity, throttled, throttles};

    use crate::limits::{Above, Crate};

    throttles! {
        /// Of this module only.
        throttle Private(rate = "5/s", identifier = user, cost = price);
    }

    type Set = (Private, Crate);

    fn user(_: &Parts) -> Identity {
        Identity::new("user")
    }

    const fn price(_: &Parts) -> u64 {
        1
    }

    fn is_write(parts: &Parts) -> bool {
        !parts.method.is_safe()
    }

    /// One throttle.
    #[throttled(Private)]
    pub async fn one() {}

    /// Several, of several visibilities.
    #[throttled(Private, Crate, Above)]
    pub async fn several() {}

    /// A set with a name.
    #[throttled(Set)]
    pub async fn set() {}

    /// With one of its own.
    #[throttled(Private, rate = "9/s")]
    pub async fn with_its_own() {}

    /// With keys of its own.
    #[throttled(Private, Crate, cost = 2, headers = both, only_if = is_write, spread = "1s")]
    pub async fn with_keys() {}

    /// With a closure.
    #[throttled(Private, cost = |path| path.len())]
    pub async fn with_a_closure(Path(path): Path<String>) -> String {
        path
    }

    /// With a closure over the body, and its own.
    #[throttled(Private, rate = "9/s", identifier = |body| body.clone())]
    pub async fn with_a_body(body: String) -> String {
        body
    }

    /// Generic.
    #[throttled(Private, cost = |path| path.len())]
    pub async fn generic<T: Send + 'static>(Path(path): Path<String>, _: T) -> String {
        path
    }

    /// Several attributes.
    #[throttled(Private)]
    #[throttled(Crate)]
    #[throttled(rate = "9/s", identifier = user)]
    pub async fn stacked() {}

    /// Of the crate, with one of this module.
    #[throttled(Private)]
    pub(crate) async fn of_the_crate() {}
}

fn main() {
    let _: Router = Router::new()
        .route("/1", get(routes::one))
        .route("/2", get(routes::several))
        .route("/3", get(routes::set))
        .route("/4", get(routes::with_its_own))
        .route("/5", get(routes::with_keys))
        .route("/6/{path}", get(routes::with_a_closure))
        .route("/7", post(routes::with_a_body))
        .route("/8/{path}", post(routes::generic::<String>))
        .route("/9", get(routes::stacked))
        .route("/10", get(routes::of_the_crate));
}
