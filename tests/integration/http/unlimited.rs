//! Unlimited throttles and exempt clients: no fields.

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use http::HeaderValue;
use traffik::{Identity, Throttle as _, provide, throttled};
use traffik_tests::{Server, ServiceLimit, head, midnight};

#[throttled(rate = "0/0", headers = both)]
async fn open() {}

fn caller(parts: &Parts) -> Identity {
    match parts.headers.get("x-user").map(HeaderValue::as_bytes) {
        Some(b"admin") => Identity::Exempt,
        Some(user) => Identity::new(user),
        None => Identity::ip(),
    }
}

#[throttled(rate = "1/minute", identifier = caller, headers = both)]
async fn guarded() {}

traffik::throttles! {
    throttle Free(rate = "0/0");
    throttle Counted(rate = "2/minute", identifier = everyone);
    throttle OfUsers(rate = "1/minute", identifier = caller);
}

traffik::throttles! {
    throttle FreeElsewhere(rate = "0/0", backend = traffik::Backend::memory());
}

#[throttled(FreeElsewhere, Counted)]
async fn over_two_backends() {}

#[throttled(Free, Counted)]
async fn half_open() {}

#[throttled(OfUsers, Counted)]
async fn half_exempt() {}

async fn serve() -> (Server, traffik::Backend) {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/open", get(open))
        .route("/guarded", get(guarded))
        .route("/half_open", get(half_open))
        .route("/half_exempt", get(half_exempt));
    (
        Server::start(app.layer(provide(backend.clone()))).await,
        backend,
    )
}

#[tokio::test]
async fn admits_all_without_fields() {
    let (server, _) = serve().await;
    for _ in 0..50 {
        let response = server.get("/open").await;
        assert_eq!(response.status, 200);
        assert!(response.has_no_limit_fields());
    }
}

#[tokio::test]
async fn needs_no_address() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(open)).layer(provide(backend));
    let server = Server::start_without_connect_info(app).await;
    assert_eq!(server.get("/").await.status, 200);
}

#[tokio::test]
async fn does_not_call_the_backend_of_an_unlimited_member() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(over_two_backends));
    let server = Server::start(app.layer(provide(backend))).await;
    assert_eq!(server.statuses("/", 3).await, [200, 200, 429]);
}

#[tokio::test]
async fn admits_an_exempt_client_without_fields() {
    let (server, _) = serve().await;
    for _ in 0..10 {
        let response = server.get_with("/guarded", "x-user", "admin").await;
        assert_eq!(response.status, 200);
        assert!(response.has_no_limit_fields());
    }
    assert_eq!(
        server.get_with("/guarded", "x-user", "anna").await.status,
        200
    );
    assert_eq!(
        server.get_with("/guarded", "x-user", "anna").await.status,
        429
    );
    assert_eq!(
        server.get_with("/guarded", "x-user", "admin").await.status,
        200
    );
}

#[tokio::test]
async fn sends_only_the_fields_of_limited_members() {
    let (server, _) = serve().await;
    let response = server.get("/half_open").await;
    assert_eq!(response.limits, [ServiceLimit::new("Counted", 1, 60)]);
    // Exempt clients are exempt only from the throttle that exempts them.
    let response = server.get_with("/half_exempt", "x-user", "admin").await;
    assert_eq!(response.limits, [ServiceLimit::new("Counted", 0, 60)]);
    assert_eq!(
        server
            .get_with("/half_exempt", "x-user", "admin")
            .await
            .status,
        429
    );
}

#[tokio::test]
async fn reports_the_largest_numbers_for_an_unlimited_decision() {
    let (_, backend) = serve().await;
    let decision = open::hit_cost(&head(&backend), u64::MAX).await.unwrap();
    assert!(decision.admitted);
    assert_eq!((decision.limit, decision.remaining), (u64::MAX, u64::MAX));
    let zero = std::time::Duration::ZERO;
    assert_eq!((decision.wait, decision.next), (Some(zero), Some(zero)));
    assert_eq!((decision.reset, decision.delay), (zero, zero));
}
