//! What the application's log is told.

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::routing::get;
use http::Request;
use tower::ServiceExt as _;
use traffik::{Identity, provide, throttled};
use traffik_tests::{Log, PEER, midnight, peer};

fn caller(_: &Parts) -> Result<Identity, &'static str> {
    Err("the session store is away")
}

#[throttled(rate = "1/minute")]
async fn hello() {}

#[throttled(rate = "1/minute", identifier = caller)]
async fn broken() {}

/// What is logged while so many requests are answered.
async fn logged(path: &str, times: usize, with_peer: bool) -> String {
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
async fn without_connect_info_it_says_what_to_write() {
    let log = logged("/", 1, false).await;
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
async fn what_failed_and_why_stands_there_and_nowhere_else() {
    let log = logged("/broken", 1, true).await;
    assert!(
        log.contains("ERROR") && log.contains("the session store is away"),
        "{log}"
    );
}

#[tokio::test]
async fn refusals_are_no_errors() {
    assert_eq!(logged("/", 5, true).await, "");
}
