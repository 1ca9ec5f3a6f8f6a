//! Several attributes on one handler, some with closures.

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, Method};
use traffik::{throttled, throttles};

use super::{Order, app, posted};

throttles! {
    defaults(identifier = everyone);

    throttle Burst(rate = "20/minute");
    throttle Sustained(rate = "30/minute", cost = 9);
}

#[throttled(Burst, Sustained, cost = |payload| payload.items.len())]
async fn used(Json(payload): Json<Order>) -> String {
    payload.user
}

#[throttled(Burst, rate = "10/minute", identifier = |user| user, cost = |payload| payload.items.len())]
async fn with_its_own(Path(user): Path<String>, Json(payload): Json<Order>) -> String {
    format!("{user} {}", payload.user)
}

#[throttled(rate = "10/minute", identifier = |user| user)]
#[throttled(rate = "20/minute", name = Second, identifier = |user, method| format!("{method}{user}"), cost = |payload| payload.items.len())]
#[throttled(Burst)]
#[throttled(rate = "30/minute", name = Third, identifier = everyone, cost = |payload, state| payload.items.len() + state)]
#[throttled(Sustained, cost = |state| *state)]
async fn five(
    State(state): State<usize>,
    Path(user): Path<String>,
    method: Method,
    _headers: HeaderMap,
    Json(payload): Json<Order>,
) -> String {
    format!("{state} {user} {method} {}", payload.user)
}

fn routes() -> Router {
    let router = Router::new()
        .route("/used", post(used))
        .route("/own/{user}", post(with_its_own))
        .route("/five/{user}", post(five));
    app(router.with_state(2))
}

async fn left(app: &Router, path: &str) -> Vec<(String, u64)> {
    let response = posted(app, path, r#"{"user": "ann", "items": [1, 2, 3]}"#).await;
    assert_eq!(response.status, 200);
    let limits = response.limits.into_iter();
    limits.map(|it| (it.name, it.remaining)).collect()
}

fn expected(left: &[(&str, u64)]) -> Vec<(String, u64)> {
    let left = left.iter();
    left.map(|(name, remaining)| ((*name).to_owned(), *remaining))
        .collect()
}

#[tokio::test]
async fn applies_the_closures_of_the_handler_to_named_throttles() {
    let app = routes();
    let (first, second) = (left(&app, "/used").await, left(&app, "/used").await);
    assert_eq!(first, expected(&[("Burst", 17), ("Sustained", 27)]));
    assert_eq!(second, expected(&[("Burst", 14), ("Sustained", 24)]));
}

#[tokio::test]
async fn applies_closures_only_to_the_throttle_that_the_attribute_defines() {
    let app = routes();
    let (ann, bob) = (left(&app, "/own/ann").await, left(&app, "/own/bob").await);
    assert_eq!(ann, expected(&[("Burst", 19), ("with_its_own", 7)]));
    assert_eq!(bob, expected(&[("Burst", 18), ("with_its_own", 7)]));
}

#[tokio::test]
async fn evaluates_the_closures_of_every_attribute() {
    let app = routes();
    let remaining = left(&app, "/five/ann").await;
    // In the order of the decisions: those with closures over the body are last, together with
    // those that share an argument with a closure over the body.
    assert_eq!(
        remaining,
        expected(&[
            ("Burst", 19),
            ("five", 9),
            ("Second", 17),
            ("Third", 25),
            ("Sustained", 28),
        ])
    );
}
