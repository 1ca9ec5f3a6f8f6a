//! Leaving alone what keeps failing.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use traffik::failure::{BreakerState, Failover, failover, raise};
use traffik::{Backend, CircuitBreaker, ErrorKind, ManualClock};

use super::{Bench, Trouble, left, local};

fn breaker() -> Arc<CircuitBreaker> {
    let breaker = CircuitBreaker::new().failures(3).successes(2);
    Arc::new(breaker.recovery(Duration::from_secs(10)))
}

fn bench(settings: impl FnOnce(Failover) -> Failover) -> (Bench, Arc<CircuitBreaker>) {
    let (clock, breaker) = (ManualClock::new(), breaker());
    let (elsewhere, _) = local(&clock);
    let policy = failover(elsewhere).breaker(breaker.clone());
    (Bench::with_clock(clock, settings(policy)), breaker)
}

/// A breaker that has just opened, since the first backend is away.
async fn opened() -> (Bench, Arc<CircuitBreaker>) {
    let (bench, breaker) = bench(|it| it);
    bench.store.set(Trouble::Away);
    assert_eq!(bench.admitted(3).await, 3);
    assert_eq!(bench.store.calls(), 3);
    (bench, breaker)
}

#[tokio::test]
async fn while_it_is_open_the_first_backend_is_not_called() {
    let (bench, breaker) = opened().await;
    assert_eq!(breaker.state(&bench.clock), BreakerState::Open);
    bench.store.mend();
    assert_eq!(bench.admitted(5).await, 5);
    assert_eq!(bench.store.calls(), 3);
    bench.clock.advance(Duration::from_millis(9_999));
    assert!(bench.hit().await.unwrap().admitted);
    assert_eq!(bench.store.calls(), 3);
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(breaker.state(&bench.clock), BreakerState::HalfOpen);
    assert!(bench.hit().await.unwrap().admitted);
    assert_eq!(breaker.state(&bench.clock), BreakerState::HalfOpen);
    assert_eq!(bench.store.calls(), 4);
    // Ten have been admitted here, and the other backend still knows.
    bench.clock.advance(Duration::from_secs(60));
    assert!(bench.hit().await.unwrap().admitted);
    assert_eq!(breaker.state(&bench.clock), BreakerState::Closed);
}

#[tokio::test]
async fn a_probe_that_fails_opens_it_again() {
    let (bench, _) = opened().await;
    for calls in 4..7 {
        bench.clock.advance(Duration::from_secs(10));
        bench.admitted(5).await;
        assert_eq!(bench.store.calls(), calls);
    }
}

/// Lessons A 22: successes of a closed breaker are told too.
#[tokio::test]
async fn a_success_forgets_the_failures_before_it() {
    let (bench, breaker) = bench(|it| it);
    for _ in 0..5 {
        bench.store.set(Trouble::AwayFor(2));
        bench.admitted(3).await;
        bench.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(breaker.state(&bench.clock), BreakerState::Closed);
}

/// Lessons A 22: a probe whose request goes away leaves its place to the next.
#[tokio::test]
async fn a_cancelled_probe() {
    let (bench, _) = opened().await;
    bench.clock.advance(Duration::from_secs(10));
    bench.store.set(Trouble::Silent);
    {
        let mut probe = pin!(bench.hit());
        let mut context = Context::from_waker(Waker::noop());
        assert!(probe.as_mut().poll(&mut context).is_pending());
        assert_eq!(bench.store.calls(), 4);
        // While it is under way, nobody else is let through.
        assert!(bench.hit().await.unwrap().admitted);
        assert_eq!(bench.store.calls(), 4);
    }
    bench.store.mend();
    assert!(bench.hit().await.unwrap().admitted);
    assert_eq!(bench.store.calls(), 5);
}

#[tokio::test]
async fn retries_are_told_too_and_stop_when_it_opens() {
    let (bench, breaker) = bench(|it| it.max_retries(9).delay(Duration::ZERO));
    bench.store.set(Trouble::Away);
    assert!(bench.hit().await.unwrap().admitted);
    assert_eq!(bench.store.calls(), 3);
    assert_eq!(breaker.state(&bench.clock), BreakerState::Open);
}

#[tokio::test]
async fn what_may_have_counted_is_not_asked_again() {
    let (bench, _) = bench(|it| it.max_retries(2).delay(Duration::ZERO));
    bench.store.set(Trouble::Unheard);
    assert!(bench.hit().await.unwrap().admitted);
    assert_eq!(bench.store.calls(), 1);
}

#[tokio::test]
async fn answers_that_make_no_sense_are_no_failures() {
    let (bench, breaker) = bench(|it| it);
    bench.store.set(Trouble::Nonsense);
    for _ in 0..9 {
        assert_eq!(bench.hit().await.unwrap_err().kind(), ErrorKind::Backend);
    }
    assert_eq!(breaker.state(&bench.clock), BreakerState::Closed);
}

static SHARED: CircuitBreaker = CircuitBreaker::new()
    .failures(2)
    .recovery(Duration::from_secs(60));

#[tokio::test]
async fn what_one_throttle_finds_out_all_know() {
    let one = Bench::new(failover(Backend::memory()).breaker(&SHARED));
    let other = Bench::new(failover(Backend::memory()).breaker(&SHARED));
    one.store.set(Trouble::Away);
    one.admitted(2).await;
    assert_eq!(other.admitted(5).await, 5);
    assert_eq!(other.store.calls(), 0);
}

#[tokio::test]
async fn by_hand() {
    let breaker = breaker();
    let clock = ManualClock::new();
    let (elsewhere, shown) = local(&clock);
    let policy = failover(elsewhere).breaker(breaker.clone());
    let bench = Bench::with_clock(clock, policy);
    breaker.force_open();
    bench.clock.advance(Duration::from_secs(1_000_000));
    assert_eq!(bench.admitted(2).await, 2);
    assert_eq!((bench.store.calls(), left(&shown).await), (0, 8));
    breaker.force_close();
    assert_eq!(bench.admitted(2).await, 2);
    assert!(bench.store.calls() > 0);
}

/// A backend in this process answers at once, and is not called either.
#[tokio::test]
async fn by_hand_in_front_of_memory() {
    let breaker = breaker();
    let other = super::Flaky::default();
    other.set(Trouble::Away);
    let policy = failover(Backend::custom(other)).breaker(breaker.clone());
    let backend = Backend::memory().on_error(policy.then(raise()));
    let throttle = traffik::DynThrottle::builder("here").rate("10/minute".parse().unwrap());
    let throttle = throttle.backend(backend).build().unwrap();
    assert!(throttle.hit(&super::client(), 1).await.unwrap().admitted);
    breaker.force_open();
    throttle.hit(&super::client(), 1).await.unwrap_err();
}

/// An error that says how long nobody need come back.
#[tokio::test]
async fn an_open_breaker_is_an_error_of_its_own() {
    let breaker = breaker();
    let other = super::Flaky::default();
    other.set(Trouble::Nonsense);
    let policy = failover(Backend::custom(other.clone())).breaker(breaker.clone());
    let bench = Bench::new(policy.on([ErrorKind::Timeout]).then(raise()));
    bench.store.set(Trouble::Away);
    for _ in 0..3 {
        bench.hit().await.unwrap_err();
    }
    bench.clock.advance(Duration::from_secs(4));
    let error = bench.hit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    match error {
        traffik::Error::CircuitOpen { left } => assert_eq!(left, Some(Duration::from_secs(6))),
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn many_at_once_send_one_probe() {
    let (bench, _) = opened().await;
    bench.clock.advance(Duration::from_secs(10));
    bench.store.set(Trouble::Silent);
    let mut context = Context::from_waker(Waker::noop());
    let mut hits: Vec<_> = (0..20).map(|_| Box::pin(bench.hit())).collect();
    let polled = hits.iter_mut().map(|hit| hit.as_mut().poll(&mut context));
    let waiting = polled.filter(Poll::is_pending).count();
    assert_eq!((waiting, bench.store.calls()), (1, 4));
}
