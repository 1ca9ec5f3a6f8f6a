//! The choice of the backend.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use traffik::{Backend, MemoryBackend, Throttle as _, provide, throttled};
use traffik_tests::{Server, head, midnight};

static CREATED: AtomicUsize = AtomicUsize::new(0);

fn counting_backend() -> Backend {
    CREATED.fetch_add(1, Ordering::SeqCst);
    Backend::memory()
}

#[throttled(rate = "2/10w", backend = counting_backend())]
async fn own() {}

#[throttled(rate = "2/10w")]
async fn provided() {}

#[tokio::test]
async fn prefers_a_backend_of_the_throttle_and_creates_it_once() {
    for _ in 0..3 {
        let (backend, _) = midnight();
        let parts = head(&backend);
        let _ = own::check(&parts, 1).await.unwrap();
    }
    let (backend, _) = midnight();
    let server = Server::start(Router::new().route("/", get(own)).layer(provide(backend))).await;
    assert_eq!(server.statuses("/", 3).await, [200, 200, 429]);
    // Another app provides another backend; the throttle keeps its own.
    let (backend, _) = midnight();
    let server = Server::start(Router::new().route("/", get(own)).layer(provide(backend))).await;
    assert_eq!(server.get("/").await.status, 429);
    assert_eq!(CREATED.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn prefers_the_innermost_provided_backend() {
    let (inner, _) = midnight();
    let (outer, _) = midnight();
    let nested = Router::new()
        .route("/", get(provided))
        .layer(provide(inner.clone()));
    let app = Router::new()
        .route("/", get(provided))
        .nest("/inner", nested)
        .layer(provide(outer));
    let server = Server::start(app).await;
    assert_eq!(server.statuses("/inner", 3).await, [200, 200, 429]);
    assert_eq!(server.statuses("/", 3).await, [200, 200, 429]);
    assert!(!provided::check(&head(&inner), 3).await.unwrap());
}

#[tokio::test]
async fn accepts_settings_as_a_provided_backend() {
    let app = Router::new().route("/", get(provided));
    let server = Server::start(app.layer(provide(MemoryBackend::builder().capacity(10)))).await;
    assert_eq!(server.statuses("/", 3).await, [200, 200, 429]);
}

async fn of_tenant(
    State([first, second]): State<[Backend; 2]>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_second = request.headers().contains_key("x-second");
    request
        .extensions_mut()
        .insert(if is_second { second } else { first });
    next.run(request).await
}

#[tokio::test]
async fn provides_a_backend_for_each_tenant() {
    let tenants = [Backend::memory(), Backend::memory()];
    let app = Router::new().route("/", get(provided));
    let server = Server::start(app.layer(from_fn_with_state(tenants, of_tenant))).await;
    assert_eq!(server.statuses("/", 3).await, [200, 200, 429]);
    assert_eq!(server.get_with("/", "x-second", "yes").await.status, 200);
}

#[tokio::test]
async fn shares_states_among_clones_of_a_backend() {
    let (backend, _) = midnight();
    let clone = backend.clone();
    for backend in [backend, clone] {
        let parts = head(&backend);
        assert!(provided::hit(&parts).await.unwrap().admitted);
    }
    let (other, _) = midnight();
    assert_eq!(
        provided::stat(&head(&other)).await.unwrap().hits_remaining,
        2
    );
}
