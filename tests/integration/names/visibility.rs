//! Handlers that are more visible than their throttles, and rates and scopes in statics.

#![allow(unreachable_pub, reason = "the visibilities are what is tested")]

use axum::routing::{get, post};
use http::Method;

use super::{counts, counts_get};

pub mod routes {
    //! Public handlers over private throttles.

    use std::sync::{Arc, LazyLock};
    use std::time::Duration;

    use axum::extract::Path;
    use http::request::Parts;
    use traffik::{Rate, throttled, throttles};

    throttles! {
        throttle Private(rate = "1/minute");
        pub(super) throttle OfTheParent(rate = "5/minute", identifier = caller, cost = price);
    }

    type Set = (Private, OfTheParent);

    static OF_THE_ENVIRONMENT: LazyLock<Arc<Rate>> =
        LazyLock::new(|| Arc::new(Rate::new(1, Duration::from_secs(60))));

    static REGION: LazyLock<String> = LazyLock::new(|| "eu".to_owned());

    fn caller(_: &Parts) -> &'static str {
        "me"
    }

    fn price(_: &Parts) -> u64 {
        1
    }

    #[throttled(Private)]
    pub async fn one() -> &'static str {
        "one"
    }

    #[throttled(Set)]
    pub async fn set() -> &'static str {
        "set"
    }

    #[throttled(OfTheParent, rate = "1/minute", identifier = |text| text.clone())]
    pub async fn closure(text: String) -> String {
        text
    }

    #[throttled(Private, cost = |id| id.len())]
    pub async fn generic<T: Send + 'static>(Path(id): Path<String>, _: T) -> String {
        id
    }

    #[throttled(rate = OF_THE_ENVIRONMENT, scope = REGION)]
    pub async fn lazy() -> &'static str {
        "lazy"
    }

    #[throttled(rate = "1/minute")]
    pub async fn lent<'a>() -> &'a str {
        "lent"
    }
}

#[tokio::test]
async fn uses_throttles_that_are_less_visible() {
    counts_get(get(routes::one), "one").await;
    counts_get(get(routes::set), "set").await;
    counts(post(routes::closure), Method::POST, "closure", "closure").await;
    counts_get(get(routes::generic::<String>), "7").await;
}

#[tokio::test]
async fn evaluates_a_lazy_rate() {
    counts_get(get(routes::lazy), "lazy").await;
}

#[tokio::test]
async fn returns_borrowed_values() {
    counts_get(get(routes::lent), "lent").await;
}
