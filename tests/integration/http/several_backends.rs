//! Sets over several backends: decided backend by backend, and refunded if one refuses.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, ErrorKind, ManualClock, Throttle as _, throttled};
use traffik_tests::{QuotaPolicy, Server, head};

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

/// A backend in memory.
fn memory() -> Backend {
    Backend::memory().clock(CLOCK.clone())
}

/// A backend with a custom store.
fn custom() -> Backend {
    Backend::custom(FlakyStore::new()).clock(CLOCK.clone())
}

/// A backend whose store is unreachable.
fn unreachable() -> Backend {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
    Backend::custom(store)
}

fn unreachable_too() -> Backend {
    unreachable()
}

traffik::throttles! {
    defaults(identifier = header("x-test"));
    throttle Near(rate = "4/hour", backend = memory());
    throttle Listed(rate = ["5/hour", "50/day"], backend = memory(), strategy = sliding_log);
    throttle Far(rate = "3/minute", backend = custom(), strategy = token_bucket);
    throttle Careless(rate = "9/minute", backend = unreachable(), on_error = allow);
    throttle Careful(rate = "9/minute", backend = unreachable(), on_error = throttle);
    throttle Strict(rate = "9/minute", backend = unreachable_too(), on_error = raise);
}

static LOADS: AtomicU64 = AtomicU64::new(0);

fn load() -> f64 {
    LOADS.fetch_add(1, Relaxed);
    0.0
}

traffik::throttles! {
    defaults(identifier = header("x-test"), strategy = adaptive(load = load));
    throttle Loaded(rate = ["9/minute", "20/hour"], backend = memory());
    throttle LoadedFar(rate = "9/minute", backend = custom());
    throttle LoadedAway(rate = "9/minute", backend = unreachable(), on_error = fallback(backend = memory()));
    throttle LoadedShadow(rate = "9/minute", backend = memory(), shadow);
}

#[throttled(Near, Far, Listed)]
async fn all() {}

#[throttled(Careless, Near)]
async fn careless() {}

/// Returns the head of a request with a client that no other test has.
fn client(name: &'static str) -> http::request::Parts {
    let mut head = head(&Backend::memory());
    head.headers.insert("x-test", name.parse().unwrap());
    head
}

#[tokio::test]
async fn charges_all_or_none() {
    let server = Server::start(Router::new().route("/", get(all))).await;
    for _ in 0..3 {
        assert_eq!(server.get_with("/", "x-test", "all").await.status, 200);
    }
    for _ in 0..3 {
        let refused = server.get_with("/", "x-test", "all").await;
        assert_eq!(refused.status, 429);
        let names: Vec<_> = refused
            .policies
            .iter()
            .map(|policy| &*policy.name)
            .collect();
        assert_eq!(names, ["Near", "Far", "Listed 5/h", "Listed 50/d"]);
        assert_eq!(refused.field("retry-after"), Some("20"));
        assert_eq!(
            refused.json()["violated-policies"],
            serde_json::json!(["Far"])
        );
        let left: Vec<_> = refused.limits.iter().map(|it| it.remaining).collect();
        assert_eq!(left, [1, 0, 2, 47]);
    }
    let head = client("all");
    let (near, far, listed) = <(Near, Far, Listed)>::stat(&head).await.unwrap();
    assert_eq!(
        (
            near.hits_remaining,
            far.hits_remaining,
            listed.hits_remaining
        ),
        (1, 0, 2)
    );
    assert!(!<(Near, Far)>::check(&head, 1).await.unwrap());
    assert!(<(Near, Listed)>::check(&head, 1).await.unwrap());
}

#[tokio::test]
async fn reports_the_longest_wait_in_any_order() {
    let head = client("order");
    assert!(Near::hit_cost(&head, 4).await.unwrap().admitted);
    assert!(Far::hit_cost(&head, 3).await.unwrap().admitted);
    let one = <(Near, Far)>::hit(&head).await.unwrap();
    let other = <(Far, Near)>::hit(&head).await.unwrap();
    assert_eq!(one, other);
    assert!(!one.admitted && one.wait > Some(Duration::from_secs(20)));
    let never = <(Far, Near)>::hit_cost(&head, 5).await.unwrap();
    assert!(never.never());
}

/// Among several `on_error` policies the strictest verdict wins: raise, throttle, allow.
#[tokio::test]
async fn applies_the_strictest_verdict() {
    let head = client("strict");
    for error in [
        <(Near, Strict, Careless)>::hit(&head).await,
        <(Careful, Near, Strict)>::hit(&head).await,
        <(Careless, Strict)>::hit(&head).await,
    ] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Connection);
    }
    let throttled = <(Near, Careful)>::hit(&head).await.unwrap();
    assert!(!throttled.admitted && !throttled.decided);
    assert_eq!(throttled.wait, Some(Duration::from_secs(1)));
    // None of these was charged; an allowed hit counts in the backends that are reachable.
    assert_eq!(Near::stat(&head).await.unwrap().hits_remaining, 4);
    let allowed = <(Careless, Near)>::hit(&head).await.unwrap();
    assert!(allowed.admitted && allowed.decided && allowed.remaining == 3);
    assert!(!<(Careless, Near)>::check(&head, 4).await.unwrap());
}

/// If the backend of a throttle is unreachable and its policy allows, its quota policy is still
/// sent, in its place, also if another throttle refuses.
#[tokio::test]
async fn sends_the_policy_if_no_law_decided() {
    let server = Server::start(Router::new().route("/", get(careless))).await;
    let policies = [
        QuotaPolicy::new("Careless", 9, 60),
        QuotaPolicy::new("Near", 4, 3_600),
    ];
    for (status, remaining) in [(200, 3), (200, 2), (200, 1), (200, 0), (429, 0)] {
        let response = server.get_with("/", "x-test", "careless").await;
        assert_eq!(response.status, status);
        assert_eq!(response.policies, policies);
        let [near] = &*response.limits else {
            panic!("one policy has a limit: {:?}", response.limits);
        };
        assert_eq!((&*near.name, near.remaining), ("Near", remaining));
    }
}

/// Each hit reads the load once, whichever backend decides (L24).
#[tokio::test]
async fn reads_the_load_once_per_hit() {
    async fn loads<T: traffik::Throttle>() -> u64 {
        let before = LOADS.load(Relaxed);
        let decision = T::hit(&client("load")).await.unwrap();
        assert!(decision.admitted);
        LOADS.load(Relaxed) - before
    }
    assert_eq!(loads::<Loaded>().await, 1);
    assert_eq!(loads::<LoadedFar>().await, 1);
    assert_eq!(loads::<LoadedAway>().await, 1);
    assert_eq!(loads::<LoadedShadow>().await, 1);
    assert_eq!(loads::<(Near, LoadedShadow)>().await, 1);
    assert_eq!(loads::<(Near, Loaded, Far)>().await, 1);
    assert_eq!(
        loads::<(Loaded, LoadedFar, LoadedAway, LoadedShadow)>().await,
        4
    );
}
