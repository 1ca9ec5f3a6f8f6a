//! A queue delays admitted requests on the runtime's clock, which is paused.

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
async fn runs_requests_one_after_the_other_and_refuses_when_the_queue_is_full() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(slow)).layer(provide(backend));
    let send = || async {
        let start = Instant::now();
        let request = Request::new(Body::empty());
        let response = app.clone().oneshot(request).await.unwrap();
        (response.status(), start.elapsed())
    };
    // The backend's clock is stopped: all requests arrive at one moment.
    for position in 0..3_u32 {
        let (status, delay) = send().await;
        assert_eq!(status, StatusCode::OK);
        let due = Duration::from_millis(500) * position;
        // The runtime's timers have a resolution of a millisecond.
        assert!(
            delay >= due && delay <= due + Duration::from_millis(2),
            "{delay:?}"
        );
    }
    let (status, delay) = send().await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(delay, Duration::ZERO);
}
