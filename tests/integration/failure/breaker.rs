//! Circuit breakers: they open after failures, probe, and close again.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use traffik::failure::{BreakerState, Failover, failover, raise};
use traffik::{Backend, CircuitBreaker, ErrorKind, ManualClock};

use super::{Setup, StoreFault, left, local};

fn breaker() -> Arc<CircuitBreaker> {
    let breaker = CircuitBreaker::new().failures(3).successes(2);
    Arc::new(breaker.recovery(Duration::from_secs(10)))
}

fn setup(settings: impl FnOnce(Failover) -> Failover) -> (Setup, Arc<CircuitBreaker>) {
    let (clock, breaker) = (ManualClock::new(), breaker());
    let (elsewhere, _) = local(&clock);
    let policy = failover(elsewhere).breaker(breaker.clone());
    (Setup::with_clock(clock, settings(policy)), breaker)
}

/// Returns a breaker that has just opened because the first backend is unreachable.
async fn opened() -> (Setup, Arc<CircuitBreaker>) {
    let (setup, breaker) = setup(|it| it);
    setup.store.fail_with(StoreFault::Unreachable);
    assert_eq!(setup.admitted(3).await, 3);
    assert_eq!(setup.store.calls(), 3);
    (setup, breaker)
}

#[tokio::test]
async fn does_not_call_the_first_backend_while_open() {
    let (setup, breaker) = opened().await;
    assert_eq!(breaker.state(&setup.clock), BreakerState::Open);
    setup.store.heal();
    assert_eq!(setup.admitted(5).await, 5);
    assert_eq!(setup.store.calls(), 3);
    setup.clock.advance(Duration::from_millis(9_999));
    assert!(setup.hit().await.unwrap().admitted);
    assert_eq!(setup.store.calls(), 3);
    setup.clock.advance(Duration::from_millis(1));
    assert_eq!(breaker.state(&setup.clock), BreakerState::HalfOpen);
    assert!(setup.hit().await.unwrap().admitted);
    assert_eq!(breaker.state(&setup.clock), BreakerState::HalfOpen);
    assert_eq!(setup.store.calls(), 4);
    // Ten hits have been admitted here, and the other backend still counts them.
    setup.clock.advance(Duration::from_secs(60));
    assert!(setup.hit().await.unwrap().admitted);
    assert_eq!(breaker.state(&setup.clock), BreakerState::Closed);
}

#[tokio::test]
async fn opens_again_after_a_failed_probe() {
    let (setup, _) = opened().await;
    for calls in 4..7 {
        setup.clock.advance(Duration::from_secs(10));
        setup.admitted(5).await;
        assert_eq!(setup.store.calls(), calls);
    }
}

/// A closed breaker counts successes too.
#[tokio::test]
async fn resets_the_failures_after_a_success() {
    let (setup, breaker) = setup(|it| it);
    for _ in 0..5 {
        setup.store.fail_with(StoreFault::UnreachableFor(2));
        setup.admitted(3).await;
        setup.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(breaker.state(&setup.clock), BreakerState::Closed);
}

/// A probe whose request is cancelled lets the next request probe.
#[tokio::test]
async fn lets_the_next_request_probe_after_a_cancelled_probe() {
    let (setup, _) = opened().await;
    setup.clock.advance(Duration::from_secs(10));
    setup.store.fail_with(StoreFault::NoReply);
    {
        let mut probe = pin!(setup.hit());
        let mut context = Context::from_waker(Waker::noop());
        assert!(probe.as_mut().poll(&mut context).is_pending());
        assert_eq!(setup.store.calls(), 4);
        // During the probe, no other request reaches the backend.
        assert!(setup.hit().await.unwrap().admitted);
        assert_eq!(setup.store.calls(), 4);
    }
    setup.store.heal();
    assert!(setup.hit().await.unwrap().admitted);
    assert_eq!(setup.store.calls(), 5);
}

#[tokio::test]
async fn counts_retries_and_stops_them_when_it_opens() {
    let (setup, breaker) = setup(|it| it.max_retries(9).delay(Duration::ZERO));
    setup.store.fail_with(StoreFault::Unreachable);
    assert!(setup.hit().await.unwrap().admitted);
    assert_eq!(setup.store.calls(), 3);
    assert_eq!(breaker.state(&setup.clock), BreakerState::Open);
}

#[tokio::test]
async fn does_not_retry_a_hit_that_may_have_counted() {
    let (setup, _) = setup(|it| it.max_retries(2).delay(Duration::ZERO));
    setup.store.fail_with(StoreFault::ReplyLost);
    assert!(setup.hit().await.unwrap().admitted);
    assert_eq!(setup.store.calls(), 1);
}

#[tokio::test]
async fn does_not_count_error_replies_as_failures() {
    let (setup, breaker) = setup(|it| it);
    setup.store.fail_with(StoreFault::ErrorReply);
    for _ in 0..9 {
        assert_eq!(setup.hit().await.unwrap_err().kind(), ErrorKind::Backend);
    }
    assert_eq!(breaker.state(&setup.clock), BreakerState::Closed);
}

static SHARED: CircuitBreaker = CircuitBreaker::new()
    .failures(2)
    .recovery(Duration::from_secs(60));

#[tokio::test]
async fn shares_its_state_among_throttles() {
    let one = Setup::new(failover(Backend::memory()).breaker(&SHARED));
    let other = Setup::new(failover(Backend::memory()).breaker(&SHARED));
    one.store.fail_with(StoreFault::Unreachable);
    one.admitted(2).await;
    assert_eq!(other.admitted(5).await, 5);
    assert_eq!(other.store.calls(), 0);
}

#[tokio::test]
async fn is_opened_and_closed_manually() {
    let breaker = breaker();
    let clock = ManualClock::new();
    let (elsewhere, shown) = local(&clock);
    let policy = failover(elsewhere).breaker(breaker.clone());
    let setup = Setup::with_clock(clock, policy);
    breaker.force_open();
    setup.clock.advance(Duration::from_secs(1_000_000));
    assert_eq!(setup.admitted(2).await, 2);
    assert_eq!((setup.store.calls(), left(&shown).await), (0, 8));
    breaker.force_close();
    assert_eq!(setup.admitted(2).await, 2);
    assert!(setup.store.calls() > 0);
}

/// A memory backend decides synchronously, and an open breaker keeps hits from it too.
#[tokio::test]
async fn is_opened_manually_before_a_memory_backend() {
    let breaker = breaker();
    let other = super::FaultyStore::default();
    other.fail_with(StoreFault::Unreachable);
    let policy = failover(Backend::custom(other)).breaker(breaker.clone());
    let backend = Backend::memory().on_error(policy.then(raise()));
    let throttle = traffik::DynThrottle::builder("here").rate("10/minute".parse().unwrap());
    let throttle = throttle.backend(backend).build().unwrap();
    assert!(throttle.hit(&super::client(), 1).await.unwrap().admitted);
    breaker.force_open();
    throttle.hit(&super::client(), 1).await.unwrap_err();
}

/// The error reports the time until the breaker lets a probe through.
#[tokio::test]
async fn reports_an_open_breaker_as_an_error() {
    let breaker = breaker();
    let other = super::FaultyStore::default();
    other.fail_with(StoreFault::ErrorReply);
    let policy = failover(Backend::custom(other.clone())).breaker(breaker.clone());
    let setup = Setup::new(policy.on([ErrorKind::Timeout]).then(raise()));
    setup.store.fail_with(StoreFault::Unreachable);
    for _ in 0..3 {
        setup.hit().await.unwrap_err();
    }
    setup.clock.advance(Duration::from_secs(4));
    let error = setup.hit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    match error {
        traffik::Error::CircuitOpen { left } => assert_eq!(left, Some(Duration::from_secs(6))),
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn sends_one_probe_for_many_concurrent_hits() {
    let (setup, _) = opened().await;
    setup.clock.advance(Duration::from_secs(10));
    setup.store.fail_with(StoreFault::NoReply);
    let mut context = Context::from_waker(Waker::noop());
    let mut hits: Vec<_> = (0..20).map(|_| Box::pin(setup.hit())).collect();
    let polled = hits.iter_mut().map(|hit| hit.as_mut().poll(&mut context));
    let waiting = polled.filter(Poll::is_pending).count();
    assert_eq!((waiting, setup.store.calls()), (1, 4));
}
