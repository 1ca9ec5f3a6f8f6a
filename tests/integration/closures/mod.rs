//! Closures over a handler's arguments that compute the identifier and the cost.

mod order;
mod patterns;
mod stacked;
mod values;

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use serde::Deserialize;
use tower::ServiceExt as _;
use traffik::provide;
use traffik_tests::{PEER, TestResponse, midnight, peer};

/// An order whose cost is its number of items.
#[derive(Debug, Deserialize)]
struct Order {
    user: String,
    items: Vec<u32>,
}

/// Provides a new backend to a router.
fn app(router: Router) -> Router {
    router.layer(provide(midnight().0))
}

/// Sends a request with a JSON body.
async fn sent(app: &Router, method: Method, path: &str, body: &str) -> TestResponse {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .extension(peer(PEER));
    let request = request.body(Body::from(body.to_owned())).unwrap();
    TestResponse::read(app.clone().oneshot(request).await.unwrap()).await
}

async fn got(app: &Router, path: &str) -> TestResponse {
    sent(app, Method::GET, path, "").await
}

async fn posted(app: &Router, path: &str, body: &str) -> TestResponse {
    sent(app, Method::POST, path, body).await
}

/// Returns the remaining units of a response's first policy, or `None` if it was not admitted.
fn left(response: &TestResponse) -> Option<u64> {
    let first = response.limits.first().map(|limit| limit.remaining);
    first.filter(|_| response.status == 200)
}
