//! Header options, which belong to the whole process: one test in a process of its own.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, Request};
use tower::ServiceExt as _;
use traffik::{
    Backend, HeaderOptions, HeaderSyntax, LegacyReset, ThrottleLayer, provide, set_header_options,
    throttled,
};
use traffik_tests::{PEER, midnight, peer};

traffik::throttles! {
    throttle Burst(rate = "9/500ms");
    throttle Minutely(rate = "5/minute", headers = both);
    throttle Hourly(rate = "2/hour");
    throttle Outside(rate = "100/hour", headers = both);
}

#[throttled(Burst, Minutely, Hourly)]
async fn set() {}

#[throttled(rate = "1/minute", headers = both, backend = Backend::redis("redis://127.0.0.1:1/").lazy(), on_error = allow)]
async fn away() {}

#[throttled(Minutely)]
async fn layered() {}

/// Returns the status and the rate-limit fields, as lines in the order of their names.
async fn send(app: &Router, path: &str) -> (u16, Vec<String>) {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(peer(PEER));
    let response = app.clone().oneshot(request).await.unwrap();
    (response.status().as_u16(), lines(response.headers()))
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    let sent = |name: &str| name.contains("ratelimit") || name == "retry-after";
    let fields = headers.iter().filter(|(name, _)| sent(name.as_str()));
    let mut lines: Vec<_> = fields
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn applies_options_from_the_next_response() {
    let (backend, clock) = midnight();
    let epoch = clock.now().as_secs();
    let app = Router::new()
        .route("/layered", get(layered))
        .layer(ThrottleLayer::new().throttle::<Outside>())
        .route("/set", get(set))
        .route("/away", get(away))
        .layer(provide(backend));

    let default = [
        "ratelimit-policy: \"Burst\";q=9, \"Minutely\";q=5;w=60, \"Hourly\";q=2;w=3600",
        "ratelimit: \"Burst\";r=8;t=1, \"Minutely\";r=4;t=60, \"Hourly\";r=1;t=3600",
        "x-ratelimit-limit: 5",
        "x-ratelimit-remaining: 4",
        "x-ratelimit-reset: 60",
    ];
    let (status, lines) = send(&app, "/set").await;
    assert_eq!(
        (status, lines.as_slice()),
        (200, default.map(str::to_owned).as_slice())
    );

    set_header_options(HeaderOptions::new().legacy_reset(LegacyReset::Epoch));
    clock.advance(Duration::from_millis(5_400));
    let (_, lines) = send(&app, "/set").await;
    assert_eq!(
        lines[1],
        "ratelimit: \"Burst\";r=8;t=1, \"Minutely\";r=3;t=55, \"Hourly\";r=0;t=3595"
    );
    assert_eq!(lines[4], format!("x-ratelimit-reset: {}", epoch + 60));

    set_header_options(HeaderOptions::new().syntax(HeaderSyntax::Draft6));
    let (status, lines) = send(&app, "/set").await;
    // The hourly limit is spent, so it binds. A window below a second cannot be written.
    let refused = [
        "ratelimit-limit: 2",
        "ratelimit-policy: 5;w=60, 2;w=3600",
        "ratelimit-remaining: 0",
        "ratelimit-reset: 3595",
        "retry-after: 3595",
        "x-ratelimit-limit: 5",
        "x-ratelimit-remaining: 3",
        "x-ratelimit-reset: 55",
    ];
    assert_eq!(
        (status, lines.as_slice()),
        (429, refused.map(str::to_owned).as_slice())
    );

    // If no law decided, only the policy is sent (H12).
    let (status, lines) = send(&app, "/away").await;
    assert_eq!(status, 200);
    assert_eq!(lines, ["ratelimit-policy: 1;w=60", "x-ratelimit-limit: 1"]);

    // The legacy fields describe the refused policy; the list describes both.
    for _ in 0..3 {
        assert_eq!(send(&app, "/layered").await.0, 200);
    }
    let (status, lines) = send(&app, "/layered").await;
    let inner = [
        "ratelimit-limit: 5",
        "ratelimit-policy: 100;w=3600, 5;w=60",
        "ratelimit-remaining: 0",
        "ratelimit-reset: 55",
        "retry-after: 55",
        "x-ratelimit-limit: 5",
        "x-ratelimit-remaining: 0",
        "x-ratelimit-reset: 55",
    ];
    assert_eq!(
        (status, lines.as_slice()),
        (429, inner.map(str::to_owned).as_slice())
    );

    set_header_options(HeaderOptions::new());
    clock.advance(Duration::from_millis(3_594_600));
    assert_eq!(
        send(&app, "/set").await,
        (200, default.map(str::to_owned).to_vec())
    );
}
