//! Several attributes on one handler, decided from the top down.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use traffik::{Backend, Throttle as _, provide, throttled};
use traffik_tests::{Server, ServiceLimit, head, midnight};

traffik::throttles! {
    throttle Shared(rate = "9/minute", identifier = everyone);
}

#[throttled(rate = "3/minute", identifier = everyone)]
#[throttled(rate = "2/hour", identifier = everyone, name = Hourly)]
async fn twice() -> &'static str {
    "twice"
}

#[throttled(Shared)]
#[throttled(rate = "5/minute", identifier = everyone)]
#[throttled(rate = "7/minute", identifier = everyone, name = Third, headers = both)]
async fn thrice(State(text): State<&'static str>, body: String) -> String {
    format!("{text} {body}")
}

async fn serve_twice(backend: &Backend) -> Server {
    let app = Router::new().route("/", get(twice));
    Server::start(app.layer(provide(backend.clone()))).await
}

#[tokio::test]
async fn sends_the_fields_of_every_attribute() {
    let (backend, _) = midnight();
    let server = serve_twice(&backend).await;
    let response = server.get("/").await;
    assert_eq!(response.body, "twice");
    let names: Vec<_> = response.limits.iter().map(|limit| &*limit.name).collect();
    assert_eq!(names, ["twice", "Hourly"]);
    let parts = head(&backend);
    assert_eq!(twice::stat(&parts).await.unwrap().hits_remaining, 2);
    assert_eq!(Hourly::stat(&parts).await.unwrap().hits_remaining, 1);
}

#[tokio::test]
async fn decides_the_upper_attribute_first() {
    let server = serve_twice(&midnight().0).await;
    assert_eq!(server.statuses("/", 2).await, [200; 2]);
    let by_lower = server.get("/").await;
    assert_eq!(by_lower.field("retry-after"), Some("3600"));
    let limits = [
        ServiceLimit::new("twice", 0, 60),
        ServiceLimit::new("Hourly", 0, 3_600),
    ];
    assert_eq!(by_lower.limits, limits);
    assert_eq!(
        by_lower.json()["violated-policies"],
        serde_json::json!(["Hourly"])
    );
    // The upper throttle had admitted this request, and is spent now.
    let by_upper = server.get("/").await;
    assert_eq!(by_upper.field("retry-after"), Some("60"));
    assert_eq!(
        by_upper.json()["violated-policies"],
        serde_json::json!(["twice"])
    );
    assert_eq!(by_upper.limits, [ServiceLimit::new("twice", 0, 60)]);
}

#[tokio::test]
async fn accepts_three_attributes() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", post(thrice)).with_state("hello");
    let server = Server::start(app.layer(provide(backend.clone()))).await;
    let response = server.post("/", "world").await;
    assert_eq!(response.body, "hello world");
    let left: Vec<_> = response
        .limits
        .iter()
        .map(|limit| (&*limit.name, limit.remaining))
        .collect();
    assert_eq!(left, [("Shared", 8), ("thrice", 4), ("Third", 6)]);
    assert_eq!(response.legacy(), [Some("7"), Some("6"), Some("60")]);
    assert_eq!(
        Shared::stat(&head(&backend)).await.unwrap().hits_remaining,
        8
    );
}
