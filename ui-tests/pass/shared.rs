//! Shared throttles, sets of them, and handlers that use them.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{Backend, Identity, Throttle, throttled, throttles};

fn user(_: &Parts) -> Identity {
    Identity::new("user")
}

throttles! {
    defaults(backend = Backend::memory(), headers = both, strategy = sliding_counter);

    /// Short bursts.
    pub throttle Burst(rate = "10/minute");
    /// Steady use.
    #[allow(dead_code)]
    pub(crate) throttle Sustained(rate = "1000/hour", identifier = user);
    #[cfg(any())]
    throttle Login(rate = "1/s", identifier = missing);
    #[cfg(all())]
    throttle Login(rate = "5/15 minutes", strategy = token_bucket(burst = 5), headers = none, uid = "login");
}

throttles! {}

pub mod inner {
    //! In another module.

    traffik::throttles! {
        /// One.
        pub throttle One(rate = "1/s");
    }
}

type Api = (Burst, Sustained);

#[throttled(Burst)]
async fn one() {}

#[throttled(Burst, self::Sustained, inner::One)]
async fn three() {}

#[throttled(Api)]
async fn set() {}

#[throttled(Api, Login, cost = 2, headers = legacy)]
async fn set_and_one() {}

#[throttled(Burst, Sustained, rate = "100/day", cost = 7)]
async fn with_its_own() {}

#[throttled(with_its_own, cost = price)]
async fn throttle_of_a_handler() {}

const fn price(_: &Parts) -> u64 {
    2
}

const fn is_throttle<T: Throttle>() {}

fn main() {
    throttles! {
        throttle Local(rate = "5/s");
    }

    #[throttled(Local, rate = "5/s")]
    async fn local() {}

    is_throttle::<Api>();
    is_throttle::<(Api, Login, with_its_own)>();
    let _: Router = Router::new()
        .route("/1", get(one))
        .route("/2", get(three))
        .route("/3", get(set))
        .route("/4", get(set_and_one))
        .route("/5", get(with_its_own))
        .route("/6", get(throttle_of_a_handler))
        .route("/7", get(local));
}
