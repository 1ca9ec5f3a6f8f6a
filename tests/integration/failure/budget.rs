//! The timeout of a decision.

use std::time::Duration;

use tokio::time::Instant;
use traffik::failure::{Policy, allow, fallback, raise};
use traffik::{Backend, DynThrottle, ErrorKind};
use traffik_tests::poll_once;

use super::{FaultyStore, StoreFault, client};

/// The resolution of tokio's timers; the paused clock adds nothing.
const TICK: Duration = Duration::from_millis(3);

/// Returns the time that a hit takes on a store that never replies.
async fn took(
    backend: impl FnOnce(Backend) -> Backend,
    own: Option<Duration>,
    policy: impl Into<Policy>,
) -> Duration {
    let store = FaultyStore::default();
    store.fail_with(StoreFault::NoReply);
    let builder = DynThrottle::builder("late").rate("10/minute".parse().unwrap());
    let builder = builder.backend(backend(Backend::custom(store)));
    let builder = builder.on_error(policy);
    let builder = match own {
        Some(own) => builder.timeout(own),
        None => builder,
    };
    let throttle = builder.build().unwrap();
    let start = Instant::now();
    let result = throttle.hit(&client(), 1).await;
    if let Err(error) = result {
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.may_have_counted());
    }
    start.elapsed()
}

#[track_caller]
fn assert_about(took: Duration, expected: u64) {
    let expected = Duration::from_millis(expected);
    assert!(took >= expected && took < expected + TICK, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn is_a_quarter_of_a_second_by_default() {
    assert_about(took(|it| it, None, raise()).await, 250);
}

#[tokio::test(start_paused = true)]
async fn is_set_on_the_backend() {
    let timeout = |it: Backend| it.timeout(Duration::from_millis(40));
    assert_about(took(timeout, None, raise()).await, 40);
}

#[tokio::test(start_paused = true)]
async fn prefers_the_timeout_of_the_throttle() {
    let timeout = |it: Backend| it.timeout(Duration::from_millis(900));
    let own = Some(Duration::from_millis(60));
    assert_about(took(timeout, own, allow()).await, 60);
}

/// A fallback in memory takes no time; another backend gets half of the timeout.
#[tokio::test(start_paused = true)]
async fn includes_the_fallback() {
    assert_about(took(|it| it, None, fallback(Backend::memory())).await, 250);
    let other = FaultyStore::default();
    other.fail_with(StoreFault::NoReply);
    let both = fallback(Backend::custom(other.clone())).then(raise());
    assert_about(took(|it| it, None, both).await, 250);
    assert_eq!(other.calls(), 1);
    let half = fallback(Backend::custom(FaultyStore::default())).then(raise());
    assert_about(took(|it| it, None, half).await, 125);
}

/// A store that replies at once needs no runtime.
#[test]
fn needs_no_runtime_if_the_store_replies_at_once() {
    let throttle = DynThrottle::builder("early").rate("10/minute".parse().unwrap());
    let throttle = throttle
        .backend(Backend::custom(FaultyStore::default()))
        .build()
        .unwrap();
    let decision = poll_once(throttle.hit(&client(), 1));
    assert!(decision.unwrap().admitted);
}
