//! `ThrottleLayer` with filters and bypasses.

use axum::Router;
use axum::routing::any;
use http::Method;
use http::request::Parts;
use traffik::{ThrottleLayer, filter, provide};
use traffik_tests::{Server, midnight};

traffik::throttles! {
    throttle Admin(rate = "1/day");
    throttle Writes(rate = "2/day");
    throttle Authed(rate = "3/day");
    throttle Global(rate = "100/day");
}

async fn is_authenticated(parts: &Parts) -> bool {
    parts.headers.contains_key("authorization")
}

fn app() -> Result<Router, Box<dyn std::error::Error>> {
    Ok(Router::new().route("/{*path}", any(async || "ok")).layer(
        ThrottleLayer::new()
            .throttle_when::<Admin>(filter::path("/admin/**"))
            .throttle_when::<Writes>(filter::methods([Method::POST, Method::PUT, Method::DELETE]))
            .throttle_when::<Authed>(
                filter::path_regex(r"^/api/users/[^/]+$")?.and(filter::when(is_authenticated)),
            )
            .throttle::<Global>(),
    ))
}

#[tokio::test]
async fn decides_all_matching_throttles_together() {
    let (backend, _) = midnight();
    let server = Server::start(app().unwrap().layer(provide(backend))).await;
    assert_eq!(server.statuses("/admin/a", 2).await, [200, 429]);
    assert_eq!(server.statuses("/administrator", 2).await, [200, 200]);
    for status in [200, 200, 429] {
        assert_eq!(server.post("/x", "").await.status, status);
    }
    assert_eq!(server.statuses("/api/users/7", 4).await, [200; 4]);
    for status in [200, 200, 200, 429] {
        let response = server
            .get_with("/api/users/7", "authorization", "yes")
            .await;
        assert_eq!(response.status, status);
    }
}
