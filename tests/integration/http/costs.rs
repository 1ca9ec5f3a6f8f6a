//! Costs of requests.

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{provide, throttled};
use traffik_tests::{Server, ServiceLimit, midnight};

fn weight(parts: &Parts) -> u8 {
    let weight = parts
        .headers
        .get("x-weight")
        .and_then(|weight| weight.to_str().ok());
    weight.and_then(|weight| weight.parse().ok()).unwrap_or(1)
}

fn small(parts: &Parts) -> u16 {
    weight(parts).into()
}

fn medium(parts: &Parts) -> u32 {
    weight(parts).into()
}

fn large(parts: &Parts) -> u64 {
    weight(parts).into()
}

async fn awaited(parts: &Parts) -> usize {
    tokio::task::yield_now().await;
    weight(parts).into()
}

fn fallible(parts: &Parts) -> Result<u32, std::num::ParseIntError> {
    weight(parts).to_string().parse()
}

async fn both(parts: &Parts) -> Result<u64, String> {
    Ok(weight(parts).into())
}

macro_rules! priced {
    ($($function:ident = $cost:path),+ $(,)?) => {$(
        #[throttled(rate = "10/minute", cost = $cost)]
        async fn $function() {}
    )+};
}

priced! { of_u8 = weight, of_u16 = small, of_u32 = medium, of_u64 = large, of_usize = awaited, of_result = fallible, of_future = both }

#[throttled(rate = "10/minute", cost = 4)]
async fn fixed() {}

traffik::throttles! {
    throttle Shared(rate = "10/minute", cost = 2);
    throttle Other(rate = "20/minute", cost = 5);
}

#[throttled(Shared, Other)]
async fn as_defined() {}

#[throttled(Shared, Other, cost = 3)]
async fn at_its_own_price() {}

#[throttled(Shared, Other, cost = weight)]
async fn weighed() {}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/of_u8", get(of_u8))
        .route("/of_u16", get(of_u16))
        .route("/of_u32", get(of_u32))
        .route("/of_u64", get(of_u64))
        .route("/of_usize", get(of_usize))
        .route("/of_result", get(of_result))
        .route("/of_future", get(of_future))
        .route("/fixed", get(fixed))
        .route("/defined", get(as_defined))
        .route("/own", get(at_its_own_price))
        .route("/weighed", get(weighed));
    Server::start(app.layer(provide(backend))).await
}

fn left(limits: &[ServiceLimit]) -> Vec<u64> {
    limits.iter().map(|limit| limit.remaining).collect()
}

#[tokio::test]
async fn charges_a_constant_cost() {
    let server = serve().await;
    assert_eq!(left(&server.get("/fixed").await.limits), [6]);
    assert_eq!(left(&server.get("/fixed").await.limits), [2]);
    let refused = server.get("/fixed").await;
    assert_eq!((refused.status, left(&refused.limits)), (429, vec![2]));
}

#[tokio::test]
async fn accepts_any_unsigned_integer_from_a_function() {
    let server = serve().await;
    for path in [
        "/of_u8",
        "/of_u16",
        "/of_u32",
        "/of_u64",
        "/of_usize",
        "/of_result",
        "/of_future",
    ] {
        assert_eq!(
            left(&server.get_with(path, "x-weight", "7").await.limits),
            [3],
            "{path}"
        );
        assert_eq!(
            server.get_with(path, "x-weight", "4").await.status,
            429,
            "{path}"
        );
        assert_eq!(
            left(&server.get_with(path, "x-weight", "3").await.limits),
            [0],
            "{path}"
        );
    }
}

#[tokio::test]
async fn admits_a_cost_of_zero_after_the_limit_is_spent() {
    let server = serve().await;
    assert_eq!(
        server.get_with("/of_u8", "x-weight", "10").await.status,
        200
    );
    assert_eq!(server.get_with("/of_u8", "x-weight", "0").await.status, 200);
    assert_eq!(server.get_with("/of_u8", "x-weight", "1").await.status, 429);
}

#[tokio::test]
async fn overrides_the_cost_of_all_members() {
    let server = serve().await;
    assert_eq!(left(&server.get("/defined").await.limits), [8, 15]);
    assert_eq!(left(&server.get("/own").await.limits), [5, 12]);
    assert_eq!(
        left(&server.get_with("/weighed", "x-weight", "4").await.limits),
        [1, 8]
    );
    assert_eq!(server.get("/own").await.status, 429);
}
