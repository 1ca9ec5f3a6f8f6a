//! Modules with the names of crates.

use axum::routing::get;

use super::counts_get;

/// A module in which `core`, `std` and `traffik` are modules of the application.
mod crowded {
    use ::axum::http::request::Parts;

    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) mod alloc {}
    pub(super) mod traffik {}
    pub(super) mod traffik_runtime {}
    pub(super) mod axum {}
    pub(super) mod http {}
    pub(super) mod __private {}

    fn caller(_: &Parts) -> &'static str {
        "me"
    }

    fn price(_: &Parts) -> u8 {
        1
    }

    fn segment(_: &Parts) -> &'static str {
        "segment"
    }

    ::traffik::throttles! {
        pub(super) throttle Shared(rate = ["1/minute", "9/hour"], identifier = caller, cost = price, scope = segment);
    }

    #[::traffik::throttled(rate = "1/minute", strategy = token_bucket(burst = 1), identifier = header("x-none"), headers = both)]
    pub(super) async fn handler() -> ::std::string::String {
        ::std::string::String::from("crowded")
    }

    #[::traffik::throttled(Shared, cost = 1, headers = both)]
    pub(super) async fn shared() -> &'static str {
        "shared"
    }
}

/// A framework that re-exports `traffik` under another name.
mod framework {
    pub(super) mod limits {
        pub(crate) use traffik::*;
    }
}

mod renamed {
    use super::framework::limits::throttled;

    #[throttled(rate = "1/minute", crate = crate::names::modules::framework::limits)]
    pub(super) async fn reexported() -> &'static str {
        "handed on"
    }
}

#[tokio::test]
async fn compiles_in_modules_named_like_crates() {
    counts_get(get(crowded::handler), "crowded").await;
    counts_get(get(crowded::shared), "shared").await;
    counts_get(get(renamed::reexported), "handed on").await;
}
