//! Shadow throttles whose backend fails: they refuse no request, whatever their policy.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, Failure, ManualClock, Throttle as _, Verdict, throttled, throttles};
use traffik_tests::{Server, head};

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

/// Stores for single tests, and the backend that decides all other throttles.
static UNREACHABLE: LazyLock<FlakyStore> = LazyLock::new(unreachable);
static WATCHED: LazyLock<FlakyStore> = LazyLock::new(FlakyStore::new);
static SERVED: LazyLock<FlakyStore> = LazyLock::new(unreachable);
static MEMORY: LazyLock<Backend> = LazyLock::new(|| Backend::memory().clock(CLOCK.clone()));

fn unreachable() -> FlakyStore {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
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

    throttle Near(rate = "3/hour", backend = MEMORY.clone());
    throttle Allowed(rate = "9/hour", backend = on(&UNREACHABLE), on_error = allow);
    throttle WithoutPolicy(rate = "9/hour", backend = on(&UNREACHABLE), shadow);
    throttle Throttling(rate = "9/hour", backend = on(&UNREACHABLE), shadow, on_error = throttle);
    throttle Raising(rate = "9/hour", backend = on(&UNREACHABLE), shadow, on_error = raise);
    throttle Handled(rate = "9/hour", backend = on(&UNREACHABLE), shadow, on_error = counted);
    throttle FallingBack(rate = "2/hour", backend = on(&UNREACHABLE), shadow, on_error = fallback(backend = MEMORY.clone()));
    throttle Watched(rate = "2/hour", backend = on(&WATCHED), shadow, on_error = raise);
    throttle Served(rate = "9/hour", backend = on(&SERVED), shadow, on_error = raise);
}

#[throttled(Served, Near)]
async fn both() {}

#[throttled(Served)]
async fn only_shadow() {}

/// Returns the head of a request with a client that no other test has.
fn client(name: &'static str) -> http::request::Parts {
    let mut head = head(&MEMORY);
    head.headers.insert("x-test", name.parse().unwrap());
    head
}

#[tokio::test]
async fn admit_every_hit() {
    let head = client("only shadow");
    for decision in [
        WithoutPolicy::hit(&head).await,
        Throttling::hit(&head).await,
        Raising::hit(&head).await,
        Handled::hit(&head).await,
        FallingBack::hit(&head).await,
    ] {
        let decision = decision.unwrap();
        assert!(decision.admitted, "{decision:?}");
        assert_eq!(decision.wait, Some(Duration::ZERO));
    }
    assert_eq!(HANDLED.load(Relaxed), 0, "the handler is not called");
}

#[tokio::test]
async fn let_other_throttles_of_a_set_decide() {
    type Set = (Throttling, Near, Raising, WithoutPolicy);
    let head = client("beside");
    for left in [2, 1, 0] {
        let decision = Set::hit(&head).await.unwrap();
        assert!(decision.admitted && decision.decided);
        assert_eq!((decision.limit, decision.remaining), (3, left));
    }
    let decision = Set::hit(&head).await.unwrap();
    assert!(!decision.admitted && decision.decided);
    // A hit that a policy allows stays undecided, and a shadow throttle beside it changes nothing.
    let decision = <(Allowed, Raising)>::hit(&head).await.unwrap();
    assert!(decision.admitted && !decision.decided);
}

#[tokio::test]
async fn count_again_after_the_backend_recovers() {
    let head = client("watched");
    let left = async || Watched::stat(&head).await.unwrap().hits_remaining;
    WATCHED.fail(Fault::Refuse);
    assert!(<(Watched, Near)>::hit(&head).await.unwrap().admitted);
    WATCHED.heal();
    assert_eq!(left().await, 2);
    assert!(<(Watched, Near)>::hit(&head).await.unwrap().admitted);
    assert!(<(Allowed, Watched)>::hit(&head).await.unwrap().admitted);
    assert_eq!(left().await, 0);
    // The shadow throttle would refuse this hit.
    assert!(<(Watched, Near)>::hit(&head).await.unwrap().admitted);
    assert_eq!(Near::stat(&head).await.unwrap().hits_remaining, 0);
    // A shadow throttle is not hit if another throttle refuses.
    let calls = WATCHED.calls();
    assert!(!<(Watched, Near)>::hit(&head).await.unwrap().admitted);
    assert_eq!(WATCHED.calls(), calls);
}

#[tokio::test]
async fn do_not_appear_in_responses() {
    let app = Router::new()
        .route("/both", get(both))
        .route("/only_shadow", get(only_shadow));
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
    let response = server.get_with("/only_shadow", "x-test", "served").await;
    assert_eq!(
        (response.status, response.field("ratelimit-policy")),
        (200, None)
    );
}
