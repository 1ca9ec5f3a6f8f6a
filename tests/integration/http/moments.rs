//! Times count from the moment the answer is made, however long the handler took.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use traffik::{ManualClock, provide, throttled};
use traffik_tests::{Server, Standing, midnight};

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
    let answer = server.get("/3000").await;
    assert_eq!(answer.standings, [Standing::new("slow", 1, 7)]);
    assert_eq!(answer.legacy(), [Some("2"), Some("1"), Some("7")]);
    // Nearly seven seconds are left, and what is left is rounded up.
    let answer = server.get("/10").await;
    assert_eq!(answer.standings, [Standing::new("slow", 0, 7)]);
    assert_eq!(server.get("/10").await.field("retry-after"), Some("7"));
}

#[tokio::test]
async fn a_handler_that_took_longer_than_the_window_leaves_no_time_to_wait() {
    let (server, _) = served().await;
    let answer = server.get("/25000").await;
    assert_eq!(answer.standings, [Standing::new("slow", 1, 0)]);
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
        server.get("/").await.standings,
        [Standing::new("into_the_past", 1, 10)]
    );
}
