//! Times count from the moment the answer is made, however long the handler took.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Extension, Router};
use http::StatusCode;
use traffik::{ManualClock, Rejection, ThrottleLayer, provide, throttled};
use traffik_tests::{Server, ServiceLimit, midnight};

/// Takes as long as it is told to.
#[throttled(rate = "2/10s", headers = both)]
async fn slow(State(clock): State<ManualClock>, Path(millis): Path<u64>) {
    clock.advance(Duration::from_millis(millis));
}

async fn served() -> (Server, ManualClock) {
    let (backend, clock) = midnight();
    let app = Router::new()
        .route("/{millis}", get(slow))
        .with_state(clock.clone());
    (Server::start(app.layer(provide(backend))).await, clock)
}

#[tokio::test]
async fn what_the_handler_took_has_passed() {
    let (server, _) = served().await;
    let response = server.get("/3000").await;
    assert_eq!(response.limits, [ServiceLimit::new("slow", 1, 7)]);
    assert_eq!(response.legacy(), [Some("2"), Some("1"), Some("7")]);
    // Nearly seven seconds are left, and what is left is rounded up.
    let response = server.get("/10").await;
    assert_eq!(response.limits, [ServiceLimit::new("slow", 0, 7)]);
    assert_eq!(server.get("/10").await.field("retry-after"), Some("7"));
}

#[tokio::test]
async fn a_handler_that_took_longer_than_the_window_leaves_no_time_to_wait() {
    let (server, _) = served().await;
    let response = server.get("/25000").await;
    assert_eq!(response.limits, [ServiceLimit::new("slow", 1, 0)]);
}

#[throttled(rate = "2/10s")]
async fn into_the_past(State(clock): State<ManualClock>) {
    clock.rewind(Duration::from_secs(60));
}

#[tokio::test]
async fn a_clock_that_stepped_back_meanwhile_adds_nothing() {
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

/// How long a refusal is being written, and the clock on which that takes place.
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

/// The wait and the reset that a refusal tells that took so many milliseconds to write.
async fn told_after(path: &str, millis: u64) -> [Option<String>; 2] {
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
async fn what_a_response_of_the_applications_own_took_has_passed() {
    for path in ["/once", "/layer"] {
        let told = async |millis| told_after(path, millis).await.map(Option::unwrap);
        assert_eq!(told(0).await, ["10", "10"]);
        assert_eq!(told(2_999).await, ["8", "8"]);
        assert_eq!(told(3_000).await, ["7", "7"]);
        // A client is never told to try again at once.
        assert_eq!(told(25_000).await, ["1", "0"]);
    }
    let told = async |millis| told_after("/patient", millis).await.map(Option::unwrap);
    assert_eq!(told(500).await, ["10", "10"]);
    assert_eq!(told(5_000).await, ["9", "9"]);
}
