//! The first program of the documentation, told to the second.

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
async fn five_requests_count_down_and_the_sixth_is_refused() {
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
async fn a_client_is_admitted_after_the_wait_it_was_told_and_not_a_second_earlier() {
    let (backend, clock) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    clock.advance(Duration::from_millis(3_500));
    assert_eq!(server.statuses("/", 5).await, [200; 5]);
    let refused = server.get("/").await;
    // Six and a half seconds are left of the window.
    assert_eq!(refused.field("retry-after"), Some("7"));
    assert_eq!(refused.field("ratelimit"), Some("\"hello\";r=0;t=7"));
    clock.advance(Duration::from_secs(6));
    let early = server.get("/").await;
    assert_eq!((early.status, early.field("retry-after")), (429, Some("1")));
    clock.advance(Duration::from_secs(1));
    let admitted = server.get("/").await;
    assert_eq!(admitted.status, 200);
    // Half a second of the new window is gone.
    assert_eq!(admitted.field("ratelimit"), Some("\"hello\";r=4;t=10"));
}

#[tokio::test]
async fn a_refusal_ends_at_the_tick_and_not_before() {
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
async fn refusals_are_free() {
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
async fn many_at_once_get_exactly_what_there_is() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    let asked = (0..20)
        .map(|_| server.request(http::Method::GET, "/").send())
        .map(tokio::spawn);
    let asked: Vec<_> = asked.collect();
    let mut admitted = 0;
    for response in asked {
        let status = response.await.unwrap().unwrap().status().as_u16();
        assert!([200, 429].contains(&status), "{status}");
        admitted += usize::from(status == 200);
    }
    assert_eq!(admitted, 5);
}

#[tokio::test]
async fn without_connect_info_nobody_shares_a_bucket_but_gets_an_error() {
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
