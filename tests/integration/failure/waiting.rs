//! `wait` while the backend is unreachable ends at its deadline and calls the store rarely.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use traffik::failure::throttle_for;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, Decision, DynThrottle, Identity};

const DEADLINE: Duration = Duration::from_millis(1_500);

/// Waits under a policy that throttles for a time and returns how long it took.
async fn waited(store: &FlakyStore, wait: Duration) -> (Decision, Duration) {
    let throttle = DynThrottle::builder("waiting").rate("10/day".parse().unwrap());
    let throttle = throttle.backend(Backend::custom(store.clone()));
    let throttle = throttle.on_error(throttle_for(wait)).build().unwrap();
    let start = Instant::now();
    let client = Identity::everyone();
    let waited = throttle.wait(&client, 1, DEADLINE);
    let decision = timeout(Duration::from_secs(20), waited).await;
    let decision = decision.expect("it ends").unwrap();
    (decision, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn ends_at_the_deadline_if_a_policy_throttles_for_no_time() {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
    let (decision, took) = waited(&store, Duration::ZERO).await;
    assert!(!decision.admitted && !decision.decided, "{decision:?}");
    assert!(
        (DEADLINE..DEADLINE + Duration::from_millis(20)).contains(&took),
        "{took:?}"
    );
    assert!((3..30).contains(&store.calls()), "{} calls", store.calls());
}

#[tokio::test(start_paused = true)]
async fn ends_at_the_deadline_if_the_store_never_replies() {
    let store = FlakyStore::new();
    store.fail(Fault::Hang);
    let (decision, took) = waited(&store, Duration::ZERO).await;
    assert!(!decision.admitted, "{decision:?}");
    assert!(
        (DEADLINE..DEADLINE + Duration::from_millis(20)).contains(&took),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn admits_soon_after_the_backend_recovers() {
    let store = FlakyStore::new();
    store.fail_times(4, Fault::Refuse);
    let (decision, took) = waited(&store, Duration::ZERO).await;
    assert!(decision.admitted && decision.decided, "{decision:?}");
    assert!(took < Duration::from_millis(500), "{took:?}");
}
