//! How long a decision takes at most.

use std::time::Duration;

use tokio::time::Instant;
use traffik::failure::{Policy, allow, fallback, raise};
use traffik::{Backend, DynThrottle, ErrorKind};
use traffik_tests::poll_once;

use super::{Flaky, Trouble, client};

/// A timer's tick, and the clock stands still otherwise.
const TICK: Duration = Duration::from_millis(3);

/// A throttle on a store that says nothing, and how long it took to find that out.
async fn took(
    backend: impl FnOnce(Backend) -> Backend,
    own: Option<Duration>,
    policy: impl Into<Policy>,
) -> Duration {
    let store = Flaky::default();
    store.set(Trouble::Silent);
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
fn about(took: Duration, expected: u64) {
    let expected = Duration::from_millis(expected);
    assert!(took >= expected && took < expected + TICK, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_quarter_of_a_second_unless_told() {
    about(took(|it| it, None, raise()).await, 250);
}

#[tokio::test(start_paused = true)]
async fn the_backend_may_say() {
    let timeout = |it: Backend| it.timeout(Duration::from_millis(40));
    about(took(timeout, None, raise()).await, 40);
}

#[tokio::test(start_paused = true)]
async fn the_throttle_has_the_last_word() {
    let timeout = |it: Backend| it.timeout(Duration::from_millis(900));
    let own = Some(Duration::from_millis(60));
    about(took(timeout, own, allow()).await, 60);
}

/// A backend in this process takes no time; another one is left its half.
#[tokio::test(start_paused = true)]
async fn a_fallback_is_within_it() {
    about(took(|it| it, None, fallback(Backend::memory())).await, 250);
    let other = Flaky::default();
    other.set(Trouble::Silent);
    let both = fallback(Backend::custom(other.clone())).then(raise());
    about(took(|it| it, None, both).await, 250);
    assert_eq!(other.calls(), 1);
    let half = fallback(Backend::custom(Flaky::default())).then(raise());
    about(took(|it| it, None, half).await, 125);
}

/// What answers at once needs no timer, nor a runtime that has any.
#[test]
fn no_runtime_is_needed_for_what_is_there() {
    let throttle = DynThrottle::builder("early").rate("10/minute".parse().unwrap());
    let throttle = throttle
        .backend(Backend::custom(Flaky::default()))
        .build()
        .unwrap();
    let decision = poll_once(throttle.hit(&client(), 1));
    assert!(decision.unwrap().admitted);
}
