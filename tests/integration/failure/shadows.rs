//! Throttles in shadow, whose backend fails: they refuse nobody, whatever they are told to do about failures (D5).

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use traffik::testing::{FlakyStore, Trouble};
use traffik::{Backend, Failure, ManualClock, Throttle as _, Verdict, throttled, throttles};
use traffik_tests::{Server, head};

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

/// A store for each test, and the backend that decides all other throttles.
static GONE: LazyLock<FlakyStore> = LazyLock::new(gone);
static WATCHED: LazyLock<FlakyStore> = LazyLock::new(FlakyStore::new);
static SERVED: LazyLock<FlakyStore> = LazyLock::new(gone);
static HERE: LazyLock<Backend> = LazyLock::new(|| Backend::memory().clock(CLOCK.clone()));

fn gone() -> FlakyStore {
    let store = FlakyStore::new();
    store.fail(Trouble::Refuse);
    store
}

fn on(store: &FlakyStore) -> Backend {
    Backend::custom(store.clone()).clock(CLOCK.clone())
}

static HANDLED: AtomicU64 = AtomicU64::new(0);

async fn counted(_: &Failure<'_>) -> Verdict {
    HANDLED.fetch_add(1, Relaxed);
    Verdict::Raise
}

throttles! {
    defaults(identifier = header("x-test"));

    throttle Near(rate = "3/hour", backend = HERE.clone());
    throttle Allowed(rate = "9/hour", backend = on(&GONE), on_error = allow);
    throttle Silent(rate = "9/hour", backend = on(&GONE), shadow);
    throttle Throttling(rate = "9/hour", backend = on(&GONE), shadow, on_error = throttle);
    throttle Raising(rate = "9/hour", backend = on(&GONE), shadow, on_error = raise);
    throttle Handled(rate = "9/hour", backend = on(&GONE), shadow, on_error = counted);
    throttle FallingBack(rate = "2/hour", backend = on(&GONE), shadow, on_error = fallback(backend = HERE.clone()));
    throttle Watched(rate = "2/hour", backend = on(&WATCHED), shadow, on_error = raise);
    throttle Served(rate = "9/hour", backend = on(&SERVED), shadow, on_error = raise);
}

#[throttled(Served, Near)]
async fn both() {}

#[throttled(Served)]
async fn alone() {}

/// The head of a request of a client that no other test has.
fn client(name: &'static str) -> http::request::Parts {
    let mut head = head(&HERE);
    head.headers.insert("x-test", name.parse().unwrap());
    head
}

#[tokio::test]
async fn alone_they_let_everybody_pass() {
    let head = client("alone");
    for decision in [
        Silent::hit(&head).await,
        Throttling::hit(&head).await,
        Raising::hit(&head).await,
        Handled::hit(&head).await,
        FallingBack::hit(&head).await,
    ] {
        let decision = decision.unwrap();
        assert!(decision.admitted, "{decision:?}");
        assert_eq!(decision.wait, Some(Duration::ZERO));
    }
    assert_eq!(HANDLED.load(Relaxed), 0, "nobody asks what is to be done");
}

#[tokio::test]
async fn beside_others_these_decide() {
    type Set = (Throttling, Near, Raising, Silent);
    let head = client("beside");
    for left in [2, 1, 0] {
        let decision = Set::hit(&head).await.unwrap();
        assert!(decision.admitted && decision.decided);
        assert_eq!((decision.limit, decision.remaining), (3, left));
    }
    let decision = Set::hit(&head).await.unwrap();
    assert!(!decision.admitted && decision.decided);
    // What is let through because nobody can decide stays that, and a shadow beside it says nothing.
    let decision = <(Allowed, Raising)>::hit(&head).await.unwrap();
    assert!(decision.admitted && !decision.decided);
}

#[tokio::test]
async fn they_count_again_once_it_is_back() {
    let head = client("watched");
    let left = async || Watched::stat(&head).await.unwrap().hits_remaining;
    WATCHED.fail(Trouble::Refuse);
    assert!(<(Watched, Near)>::hit(&head).await.unwrap().admitted);
    WATCHED.heal();
    assert_eq!(left().await, 2);
    assert!(<(Watched, Near)>::hit(&head).await.unwrap().admitted);
    assert!(<(Allowed, Watched)>::hit(&head).await.unwrap().admitted);
    assert_eq!(left().await, 0);
    // It would refuse this one.
    assert!(<(Watched, Near)>::hit(&head).await.unwrap().admitted);
    assert_eq!(Near::stat(&head).await.unwrap().hits_remaining, 0);
    // It is not asked about what others refuse.
    let calls = WATCHED.calls();
    assert!(!<(Watched, Near)>::hit(&head).await.unwrap().admitted);
    assert_eq!(WATCHED.calls(), calls);
}

#[tokio::test]
async fn clients_hear_nothing_of_it() {
    let app = Router::new()
        .route("/both", get(both))
        .route("/alone", get(alone));
    let server = Server::start(app).await;
    for left in [2, 1, 0] {
        let response = server.get_with("/both", "x-test", "served").await;
        assert_eq!(response.status, 200);
        let names = response.policies.iter().map(|policy| &*policy.name);
        assert_eq!(names.collect::<Vec<_>>(), ["Near"]);
        assert_eq!(response.limits[0].remaining, left);
    }
    let refused = server.get_with("/both", "x-test", "served").await;
    assert_eq!(refused.status, 429);
    let response = server.get_with("/alone", "x-test", "served").await;
    assert_eq!(
        (response.status, response.field("ratelimit-policy")),
        (200, None)
    );
}
