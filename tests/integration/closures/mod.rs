//! Closures over a handler's arguments: who is asking and what it costs, as the arguments say.

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

/// An order, which has a price.
#[derive(Debug, Deserialize)]
struct Order {
    user: String,
    items: Vec<u32>,
}

/// A router on a backend of its own.
fn app(router: Router) -> Router {
    router.layer(provide(midnight().0))
}

/// What a request with this body gives.
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

/// What is left after a request, by its first policy; nothing where it was not admitted.
fn left(response: &TestResponse) -> Option<u64> {
    let first = response.limits.first().map(|limit| limit.remaining);
    first.filter(|_| response.status == 200)
}
