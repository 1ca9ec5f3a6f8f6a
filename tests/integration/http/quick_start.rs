//! The first program of the documentation, exact to the second.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::json;
use traffik::{provide, throttled};
use traffik_tests::{Server, midnight};

#[throttled(rate = "5/10s")]
async fn hello() -> &'static str {
    "hello\n"
}

fn app() -> Router {
    Router::new().route("/", get(hello))
}

#[tokio::test]
async fn counts_down_five_requests_and_refuses_the_sixth() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    for remaining in (0..5).rev() {
        let response = server.get("/").await;
        assert_eq!((response.status, response.body.as_str()), (200, "hello\n"));
        let item = format!("\"hello\";r={remaining};t=10");
        assert_eq!(response.field("ratelimit"), Some(item.as_str()));
        assert_eq!(
            response.field("ratelimit-policy"),
            Some("\"hello\";q=5;w=10")
        );
        assert_eq!(response.field("retry-after"), None);
    }
    let refused = server.get("/").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.field("ratelimit"), Some("\"hello\";r=0;t=10"));
    assert_eq!(
        refused.field("ratelimit-policy"),
        Some("\"hello\";q=5;w=10")
    );
    assert_eq!(refused.field("retry-after"), Some("10"));
    assert_eq!(
        refused.field("content-type"),
        Some("application/problem+json")
    );
    let problem = json!({
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Quota Exceeded",
        "status": 429,
        "detail": "Too many requests; try again in 10 seconds",
        "violated-policies": ["hello"],
    });
    assert_eq!(refused.json(), problem);
}

#[tokio::test]
async fn admits_after_the_reported_wait_and_not_a_second_earlier() {
    let (backend, clock) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    clock.advance(Duration::from_millis(3_500));
    assert_eq!(server.statuses("/", 5).await, [200; 5]);
    let refused = server.get("/").await;
    // Six and a half seconds of the window remain.
    assert_eq!(refused.field("retry-after"), Some("7"));
    assert_eq!(refused.field("ratelimit"), Some("\"hello\";r=0;t=7"));
    clock.advance(Duration::from_secs(6));
    let early = server.get("/").await;
    assert_eq!((early.status, early.field("retry-after")), (429, Some("1")));
    clock.advance(Duration::from_secs(1));
    let admitted = server.get("/").await;
    assert_eq!(admitted.status, 200);
    // Half a second of the new window has passed.
    assert_eq!(admitted.field("ratelimit"), Some("\"hello\";r=4;t=10"));
}

#[tokio::test]
async fn refuses_until_the_tick() {
    let (backend, clock) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    assert_eq!(server.statuses("/", 5).await, [200; 5]);
    clock.advance(Duration::from_micros(9_999_999));
    let refused = server.get("/").await;
    assert_eq!(
        (refused.status, refused.field("retry-after")),
        (429, Some("1"))
    );
    assert!(
        refused.body.contains("try again in 1 second\""),
        "{}",
        refused.body
    );
    clock.advance(Duration::from_micros(1));
    assert_eq!(server.get("/").await.status, 200);
}

#[tokio::test]
async fn does_not_charge_refusals() {
    let (backend, clock) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    assert_eq!(server.statuses("/", 5).await, [200; 5]);
    assert_eq!(server.statuses("/", 50).await, [429; 50]);
    clock.advance(Duration::from_secs(10));
    assert_eq!(
        server.statuses("/", 6).await,
        [200, 200, 200, 200, 200, 429]
    );
}

#[tokio::test]
async fn admits_exactly_the_limit_of_concurrent_requests() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    let responses = (0..20)
        .map(|_| server.request(http::Method::GET, "/").send())
        .map(tokio::spawn);
    let responses: Vec<_> = responses.collect();
    let mut admitted = 0;
    for response in responses {
        let status = response.await.unwrap().unwrap().status().as_u16();
        assert!([200, 429].contains(&status), "{status}");
        admitted += usize::from(status == 200);
    }
    assert_eq!(admitted, 5);
}

#[tokio::test]
async fn responds_with_an_error_without_connect_info() {
    let (backend, _) = midnight();
    let server = Server::start_without_connect_info(app().layer(provide(backend))).await;
    for _ in 0..7 {
        let response = server.get("/").await;
        assert_eq!(response.status, 500);
        assert_eq!(
            response.field("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(response.json()["status"], 500);
        let detail = response.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(detail.contains("address is not known"), "{detail}");
        assert!(response.has_no_limit_fields());
    }
}
