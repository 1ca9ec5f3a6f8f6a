//! Names that could clash with generated code: each program compiles, and its throttles count.

mod arguments;
mod conditions;
mod fragments;
mod generics;
mod macros;
mod modules;
mod places;
mod prelude;
mod types;
mod visibility;

use axum::Router;
use axum::body::Body;
use axum::routing::MethodRouter;
use http::{Method, Request};
use tower::ServiceExt as _;
use traffik::provide;
use traffik_tests::{PEER, TestResponse, midnight, peer};

/// Asserts that a handler with a limit of one responds once and then refuses.
async fn counts(handler: MethodRouter, method: Method, body: &str, expected: &str) {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/{id}", handler)
        .layer(provide(backend));
    let send = async || {
        let request = Request::builder()
            .method(method.clone())
            .uri("/7")
            .extension(peer(PEER));
        let request = request.body(Body::from(body.to_owned())).unwrap();
        TestResponse::read(app.clone().oneshot(request).await.unwrap()).await
    };
    let response = send().await;
    assert_eq!((response.status, response.body.as_str()), (200, expected));
    assert_eq!(
        response
            .limits
            .iter()
            .map(|standing| standing.remaining)
            .min(),
        Some(0)
    );
    assert_eq!(send().await.status, 429);
}

/// Asserts that a handler of GET requests with a limit of one responds once and then refuses.
async fn counts_get(handler: MethodRouter, expected: &str) {
    counts(handler, Method::GET, "", expected).await;
}
