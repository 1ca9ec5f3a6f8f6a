//! Private throttles, each used in one place only.

#![deny(
    warnings,
    dead_code,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
#![deny(clippy::all, clippy::pedantic)]

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{
    Error, Limiter, Quota, Throttle, ThrottleLayer, Throttled, filter, throttled, throttles,
};

throttles! {
    throttle Attribute(rate = "1/s");
    throttle Member(rate = "1/s");
    throttle Beside(rate = "1/s");
    throttle Layer(rate = "1/s");
    throttle Filtered(rate = "1/s");
    throttle Hit(rate = "1/s");
    throttle Looked(rate = "1/s");
    throttle InTuple(rate = "1/s");
    throttle InAlias(rate = "1/s");
    throttle InQuota(rate = "1/s");
    throttle InLimiter(rate = "1/s");
    throttle InThrottled(rate = "1/s");
    throttle InGeneric(rate = "1/s");
    throttle OnlyThere(rate = "1/s", scope = route, identifier = header("x-user"));
    #[allow(dead_code)]
    throttle Spare(rate = "1/s");
}

mod inner {
    traffik::throttles! {
        pub(super) throttle Elsewhere(rate = "1/s");
    }
}

type Alias = (InAlias, inner::Elsewhere);

#[throttled(Attribute)]
async fn one() {}

#[throttled(Member, self::Beside, rate = "1/s", name = Third)]
async fn set() {}

#[throttled(Alias)]
async fn alias() {}

#[throttled(rate = "1/s")]
async fn inline(_: Limiter<InLimiter>, _: Throttled<InThrottled>) {}

async fn checks<T: Throttle>(parts: &Parts) -> Result<bool, Error> {
    T::check(parts, 1).await
}

async fn code(parts: &Parts) -> Result<(), Error> {
    Hit::hit(parts).await?;
    let _ = Looked::stat(parts).await?;
    <(InTuple, OnlyThere)>::hit(parts).await?;
    Quota::new(parts).add::<InQuota>(1).commit().await?;
    checks::<InGeneric>(parts).await?;
    Ok(())
}

fn main() {
    let layer = ThrottleLayer::new()
        .throttle::<Layer>()
        .throttle_when::<Filtered>(filter::path("/admin/**"));
    let _: Router = Router::new()
        .route("/one", get(one))
        .route("/set", get(set))
        .route("/alias", get(alias))
        .route("/inline", get(inline))
        .layer(layer);
    let (parts, ()) = axum::http::Request::new(()).into_parts();
    drop(code(&parts));
}
