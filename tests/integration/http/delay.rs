//! A queue holds admitted requests back until it is their turn; on the runtime's own clock, which
//! is paused.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use tokio::time::Instant;
use tower::ServiceExt as _;
use traffik::{provide, throttled};
use traffik_tests::midnight;

#[throttled(rate = "2/s", strategy = leaky_bucket_with_queue(queue_size = 3), identifier = everyone)]
async fn slow() -> &'static str {
    "slow\n"
}

#[tokio::test(start_paused = true)]
async fn requests_run_one_after_the_other_and_a_full_queue_refuses() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(slow)).layer(provide(backend));
    let ask = || async {
        let start = Instant::now();
        let request = Request::new(Body::empty());
        let response = app.clone().oneshot(request).await.unwrap();
        (response.status(), start.elapsed())
    };
    // The backend's clock stands: all arrive at one moment.
    for turn in 0..3_u32 {
        let (status, held_back) = ask().await;
        assert_eq!(status, StatusCode::OK);
        let due = Duration::from_millis(500) * turn;
        // The runtime's timers count in milliseconds.
        assert!(
            held_back >= due && held_back <= due + Duration::from_millis(2),
            "{held_back:?}"
        );
    }
    let (status, held_back) = ask().await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(held_back, Duration::ZERO);
}
