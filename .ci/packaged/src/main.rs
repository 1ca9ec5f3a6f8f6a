//! Uses what the packages export: the attribute, the block, and a throttle made at run time, on a manual clock.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::{Router, routing::get};
use tower::ServiceExt as _;
use traffik::{DynThrottle, Identity, ManualClock, throttled, throttles};

throttles! {
    throttle Burst(rate = "10/minute", identifier = everyone);
}

#[throttled(rate = "2/minute", identifier = everyone)]
async fn hello() -> &'static str {
    "hello\n"
}

#[throttled(Burst)]
async fn burst() -> &'static str {
    "burst\n"
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let app = Router::new()
        .route("/hello", get(hello))
        .route("/burst", get(burst));
    let mut answers = Vec::new();
    for path in ["/hello", "/hello", "/hello", "/burst"] {
        let request = Request::get(path).body(Body::empty());
        let response = app.clone().oneshot(request.expect("a request")).await;
        answers.push(response.expect("an answer").status());
    }
    let ok = StatusCode::OK;
    assert_eq!(answers, [ok, ok, StatusCode::TOO_MANY_REQUESTS, ok]);

    let backend = traffik::MemoryBackend::builder().clock(ManualClock::new());
    let throttle = DynThrottle::builder("jobs")
        .rate("1/s".parse().expect("a rate"))
        .backend(backend.build())
        .build()
        .expect("a throttle");
    let jobs = Identity::new("jobs");
    assert!(throttle.hit(&jobs, 1).await.expect("a decision").admitted);
    assert!(!throttle.hit(&jobs, 1).await.expect("a decision").admitted);
    println!("the packages work");
}
