//! Policies, shadows, listeners and header fields treat a local refusal as any other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::{Method, StatusCode};
use traffik::failure::{failover, fallback};
use traffik::registry::Outcome;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, CircuitBreaker, DynThrottle, Identity, ManualClock, Provenance, registry};
use traffik_tests::Server;

use super::{client, custom, decided, throttle};

#[tokio::test]
async fn lets_a_fallback_decide_while_the_breaker_is_open() {
    static BREAKER: CircuitBreaker = CircuitBreaker::new().failures(1);
    let store = FlakyStore::new();
    let clock = ManualClock::new();
    let backend = Backend::custom(store.clone()).clock(clock.clone());
    let local = Backend::memory().clock(clock.clone());
    let policy = failover(local).breaker(&BREAKER);
    let throttle = throttle("breaker", "1/hour", &backend.on_error(policy));
    assert_eq!(decided(&throttle).await, (true, Provenance::Store));
    assert_eq!(decided(&throttle).await, (false, Provenance::Store));
    assert_eq!(decided(&throttle).await, (false, Provenance::LocalRefusal));
    store.fail(Fault::Refuse);
    // A local refusal makes no call, so it neither opens nor closes the breaker.
    assert_eq!(decided(&throttle).await, (false, Provenance::LocalRefusal));
    let other = Identity::new("other");
    let admitted = throttle.hit(&other, 1).await.unwrap();
    assert_eq!(
        (admitted.admitted, admitted.provenance),
        (true, Provenance::Fallback)
    );
    // Now the breaker is open, and the fallback has not seen the client.
    assert_eq!(decided(&throttle).await, (true, Provenance::Fallback));
    assert_eq!(decided(&throttle).await, (false, Provenance::Fallback));
}

#[tokio::test]
async fn tells_a_policy_from_a_law() {
    let store = FlakyStore::new();
    let backend = Backend::custom(store.clone()).on_error(fallback(Backend::memory()));
    let throttle = throttle("fallback", "1/hour", &backend);
    store.fail(Fault::Refuse);
    assert_eq!(decided(&throttle).await, (true, Provenance::Fallback));

    let backend = Backend::custom(store.clone()).on_error(traffik::failure::allow());
    let throttle = super::throttle("allow", "1/hour", &backend);
    let allowed = super::hit(&throttle).await;
    assert_eq!(
        (allowed.decided, allowed.provenance),
        (false, Provenance::Fallback)
    );
}

#[tokio::test]
async fn lets_a_shadow_pass_and_reports_it() {
    let (backend, _) = custom();
    let builder = DynThrottle::builder("local refusals: shadow").rate("1/hour".parse().unwrap());
    let throttle = builder.backend(backend).shadow().build().unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorded = events.clone();
    let listener = registry().subscribe(move |event| {
        if event.uid == "local refusals: shadow" {
            recorded
                .lock()
                .unwrap()
                .push((event.outcome, event.provenance));
        }
    });
    for _ in 0..3 {
        assert!(throttle.hit(&client(), 1).await.unwrap().admitted);
    }
    listener.stop();
    let expected = [
        (Outcome::Admitted, Provenance::Store),
        (Outcome::Shadowed, Provenance::Store),
        (Outcome::Shadowed, Provenance::LocalRefusal),
    ];
    assert_eq!(*events.lock().unwrap(), expected);
}

#[tokio::test]
async fn reports_a_local_refusal_to_listeners() {
    let (backend, _) = custom();
    let throttle = throttle("listener", "1/hour", &backend);
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorded = events.clone();
    let listener = registry().subscribe(move |event| {
        if event.uid == "local refusals: listener" {
            let remaining = event.report.map(|report| report.remaining);
            recorded
                .lock()
                .unwrap()
                .push((event.outcome, event.provenance, remaining));
        }
    });
    for _ in 0..3 {
        decided(&throttle).await;
    }
    listener.stop();
    let expected = [
        (Outcome::Admitted, Provenance::Store, Some(0)),
        (Outcome::Refused, Provenance::Store, Some(0)),
        (Outcome::Refused, Provenance::LocalRefusal, Some(0)),
    ];
    assert_eq!(*events.lock().unwrap(), expected);
}

#[traffik::throttled(rate = "2/hour", identifier = everyone, headers = both)]
async fn page() -> &'static str {
    "page"
}

#[tokio::test]
async fn sends_the_header_fields_of_the_store() {
    let (backend, clock) = custom();
    let app = Router::new()
        .route("/", get(page))
        .layer(traffik::provide(backend));
    let server = Server::start(app).await;
    let mut answers = Vec::new();
    for hit in 0..4 {
        let response = server.request(Method::GET, "/").send().await.unwrap();
        let status = if hit < 2 {
            StatusCode::OK
        } else {
            StatusCode::TOO_MANY_REQUESTS
        };
        assert_eq!(response.status(), status, "{hit}");
        let field = |name| {
            response
                .headers()
                .get(name)
                .map(|it| it.to_str().unwrap().to_owned())
        };
        answers.push(
            [
                "ratelimit",
                "ratelimit-policy",
                "x-ratelimit-remaining",
                "retry-after",
            ]
            .map(field),
        );
    }
    assert_eq!(answers[2], answers[3]);
    assert!(answers[3][3].is_some());
    clock.advance(Duration::from_secs(3_600));
    let response = server.request(Method::GET, "/").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}
