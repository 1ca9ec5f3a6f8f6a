//! Times in fields count from the moment the response is built, however long the handler took.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Extension, Router};
use http::StatusCode;
use traffik::{ManualClock, Rejection, ThrottleLayer, provide, throttled};
use traffik_tests::{Server, ServiceLimit, midnight};

/// Advances the clock while it runs.
#[throttled(rate = "2/10s", headers = both)]
async fn slow(State(clock): State<ManualClock>, Path(millis): Path<u64>) {
    clock.advance(Duration::from_millis(millis));
}

async fn serve() -> (Server, ManualClock) {
    let (backend, clock) = midnight();
    let app = Router::new()
        .route("/{millis}", get(slow))
        .with_state(clock.clone());
    (Server::start(app.layer(provide(backend))).await, clock)
}

#[tokio::test]
async fn subtracts_the_time_of_the_handler() {
    let (server, _) = serve().await;
    let response = server.get("/3000").await;
    assert_eq!(response.limits, [ServiceLimit::new("slow", 1, 7)]);
    assert_eq!(response.legacy(), [Some("2"), Some("1"), Some("7")]);
    // Nearly seven seconds remain, rounded up.
    let response = server.get("/10").await;
    assert_eq!(response.limits, [ServiceLimit::new("slow", 0, 7)]);
    assert_eq!(server.get("/10").await.field("retry-after"), Some("7"));
}

#[tokio::test]
async fn reports_no_wait_if_the_handler_outlasts_the_window() {
    let (server, _) = serve().await;
    let response = server.get("/25000").await;
    assert_eq!(response.limits, [ServiceLimit::new("slow", 1, 0)]);
}

#[throttled(rate = "2/10s")]
async fn into_the_past(State(clock): State<ManualClock>) {
    clock.rewind(Duration::from_secs(60));
}

#[tokio::test]
async fn adds_nothing_if_the_clock_steps_back() {
    let (backend, clock) = midnight();
    let app = Router::new()
        .route("/", get(into_the_past))
        .with_state(clock);
    let server = Server::start(app.layer(provide(backend))).await;
    assert_eq!(
        server.get("/").await.limits,
        [ServiceLimit::new("into_the_past", 1, 10)]
    );
}

/// The time that writing a refusal takes, and the clock that it advances.
#[derive(Clone)]
struct Writing(ManualClock, Duration);

async fn at_leisure(rejection: &Rejection) -> StatusCode {
    let Writing(clock, time) = rejection.parts().unwrap().extensions.get().unwrap();
    clock.advance(*time);
    StatusCode::TOO_MANY_REQUESTS
}

traffik::throttles! {
    defaults(on_throttled = at_leisure, headers = both, identifier = everyone);

    throttle Once(rate = "1/10s");
    throttle Patient(rate = "1/10s", min_wait = "9s");
}

#[throttled(Once)]
async fn once() {}

#[throttled(Patient)]
async fn patient() {}

/// Returns the wait and the reset of a refusal that took this long to write.
async fn refusal_after(path: &str, millis: u64) -> [Option<String>; 2] {
    let (backend, clock) = midnight();
    let writing = Writing(clock, Duration::from_millis(millis));
    let layer = ThrottleLayer::new().throttle::<Once>();
    let app = Router::new()
        .route("/once", get(once))
        .route("/patient", get(patient))
        .route("/layer", get(async || ()).layer(layer))
        .layer(Extension(writing))
        .layer(provide(backend));
    let server = Server::start(app).await;
    assert_eq!(server.get(path).await.status, 200);
    let refused = server.get(path).await;
    assert_eq!(refused.status, 429);
    ["retry-after", "x-ratelimit-reset"].map(|name| refused.field(name).map(str::to_owned))
}

#[tokio::test]
async fn subtracts_the_time_of_a_custom_response() {
    for path in ["/once", "/layer"] {
        let sent_after = async |millis| refusal_after(path, millis).await.map(Option::unwrap);
        assert_eq!(sent_after(0).await, ["10", "10"]);
        assert_eq!(sent_after(2_999).await, ["8", "8"]);
        assert_eq!(sent_after(3_000).await, ["7", "7"]);
        // A client is never sent back at once.
        assert_eq!(sent_after(25_000).await, ["1", "0"]);
    }
    let sent_after = async |millis| refusal_after("/patient", millis).await.map(Option::unwrap);
    assert_eq!(sent_after(500).await, ["10", "10"]);
    assert_eq!(sent_after(5_000).await, ["9", "9"]);
}
