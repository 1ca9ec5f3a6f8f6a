//! Log lines of requests.

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::routing::get;
use http::Request;
use tower::ServiceExt as _;
use traffik::{Identity, provide, throttled};
use traffik_tests::{Log, PEER, midnight, peer};

fn caller(_: &Parts) -> Result<Identity, &'static str> {
    Err("the session store is unreachable")
}

#[throttled(rate = "1/minute")]
async fn hello() {}

#[throttled(rate = "1/minute", identifier = caller)]
async fn broken() {}

/// Returns the log of this many requests.
async fn log_of(path: &str, times: usize, with_peer: bool) -> String {
    let (log, _guard) = Log::capture();
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/", get(hello))
        .route("/broken", get(broken));
    let app = app.layer(provide(backend));
    for _ in 0..times {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        if with_peer {
            request.extensions_mut().insert(peer(PEER));
        }
        app.clone().oneshot(request).await.unwrap();
    }
    log.text()
}

#[tokio::test]
async fn explains_that_connect_info_is_missing() {
    let log = log_of("/", 1, false).await;
    for part in [
        "ERROR",
        "traffik",
        "::hello`",
        "into_make_service_with_connect_info::<SocketAddr>()",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[tokio::test]
async fn contains_the_cause_of_a_failure() {
    let log = log_of("/broken", 1, true).await;
    assert!(
        log.contains("ERROR") && log.contains("the session store is unreachable"),
        "{log}"
    );
}

#[tokio::test]
async fn does_not_log_refusals_as_errors() {
    assert_eq!(log_of("/", 5, true).await, "");
}
