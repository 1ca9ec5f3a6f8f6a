//! The embedded backend and the default backend, which belong to the whole process: one test in a
//! process of its own.

use axum::Router;
use axum::routing::get;
use traffik::{Backend, Throttle as _, provide, set_default_backend, throttled};
use traffik_tests::{Server, head};

// A period of ten weeks is longer than any test.
#[throttled(rate = "1/10w", identifier = everyone)]
async fn hello() {}

#[throttled(rate = "1/10w", identifier = everyone, backend = Backend::memory())]
async fn apart() {}

fn app() -> Router {
    Router::new()
        .route("/", get(hello))
        .route("/apart", get(apart))
}

#[tokio::test]
async fn uses_the_embedded_backend_until_a_default_is_set() {
    let server = Server::start(app()).await;
    assert_eq!(server.statuses("/", 2).await, [200, 429]);
    assert_eq!(server.statuses("/apart", 2).await, [200, 429]);
    // Another app in this process.
    let other = Server::start(app()).await;
    assert_eq!(other.get("/").await.status, 429);

    let default = Backend::memory();
    set_default_backend(default.clone());
    assert_eq!(server.statuses("/", 2).await, [200, 429]);
    assert_eq!(other.get("/").await.status, 429);
    assert_eq!(server.get("/apart").await.status, 429);
    assert_eq!(
        hello::stat(&head(&default)).await.unwrap().hits_remaining,
        0
    );

    let provided = Backend::memory();
    let server = Server::start(app().layer(provide(provided.clone()))).await;
    assert_eq!(server.statuses("/", 2).await, [200, 429]);
    assert_eq!(server.get("/apart").await.status, 429);
    assert_eq!(
        hello::stat(&head(&provided)).await.unwrap().hits_remaining,
        0
    );
}
