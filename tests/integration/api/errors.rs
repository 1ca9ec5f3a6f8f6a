//! `on_error`: every policy for a backend that is unreachable.

#![expect(
    deprecated,
    reason = "`idle_retry` warns of what the page writes: an operation that timed out may have been counted, so it is not repeated"
)]

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, CircuitBreaker, ErrorKind, Failure, Verdict, provide, throttled};
use traffik_tests::Server;

async fn on_backend_error(failure: &Failure<'_>) -> Verdict {
    // error, uid, rate, cost, backend, parts
    match failure.error.kind() {
        ErrorKind::Connection => Verdict::Throttle(Duration::from_secs(5)),
        ErrorKind::Timeout => Verdict::Allow,
        _ => Verdict::Raise,
    }
}
static BREAKER: CircuitBreaker = CircuitBreaker::new()
    .failures(10)
    .recovery(Duration::from_secs(60))
    .successes(3);

fn local() -> Backend {
    Backend::memory()
}

#[throttled(rate = "1/day", on_error = on_backend_error)]
async fn own() {}

#[throttled(rate = "1/day", on_error = retry(max_retries = 3, delay = "100ms", multiplier = 2.0, on = [timeout]))]
async fn retried() {}

#[throttled(rate = "1/day", on_error = fallback(backend = local(), on = [connection, timeout]))]
async fn fallen_back() {}

#[throttled(rate = "1/day", on_error = failover(backend = local(), breaker = BREAKER, max_retries = 2))]
async fn failed_over() {}

#[throttled(rate = "1/day", on_error = failover(backend = local(), breaker(failures = 10, recovery = "60s", successes = 3), max_retries = 2))]
async fn failed_over_inline() {}

#[tokio::test]
async fn applies_the_policies_while_the_backend_is_unreachable() {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
    let app = Router::new()
        .route("/own", get(own))
        .route("/retried", get(retried))
        .route("/fallen-back", get(fallen_back))
        .route("/failed-over", get(failed_over))
        .route("/inline", get(failed_over_inline));
    let server = Server::start(app.layer(provide(Backend::custom(store.clone())))).await;
    let refused = server.get("/own").await;
    assert_eq!(
        (refused.status, refused.field("retry-after")),
        (429, Some("5"))
    );
    assert_eq!(server.get("/retried").await.status, 429);
    for path in ["/fallen-back", "/failed-over", "/inline"] {
        assert_eq!(server.statuses(path, 2).await, [200, 429], "{path}");
    }
    store.fail(Fault::TimeOut);
    assert_eq!(server.get("/own").await.status, 200);
}
