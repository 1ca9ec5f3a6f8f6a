//! Asking again.

use std::time::Duration;

use tokio::time::Instant;
use traffik::ErrorKind;
use traffik::failure::{Backoff, allow, raise, retry};

use super::{Bench, Trouble};

const AT_ONCE: Backoff = Backoff::constant(Duration::ZERO);

/// Lessons C 99.
#[tokio::test]
async fn the_third_call_succeeds() {
    let bench = Bench::new(retry(3).backoff(AT_ONCE));
    bench.store.set(Trouble::AwayFor(2));
    let decision = bench.hit().await.unwrap();
    assert!(decision.admitted && decision.decided);
    assert_eq!(bench.store.calls(), 3);
    assert_eq!(bench.remaining().await, 9);
}

#[tokio::test]
async fn what_comes_then() {
    let refused = Bench::new(retry(3).backoff(AT_ONCE));
    refused.store.set(Trouble::Away);
    assert!(!refused.hit().await.unwrap().admitted);
    assert_eq!(refused.store.calls(), 4);

    let raised = Bench::new(retry(2).backoff(AT_ONCE).then(raise()));
    raised.store.set(Trouble::Away);
    raised.hit().await.unwrap_err();
    assert_eq!(raised.store.calls(), 3);

    let twice = Bench::new(
        retry(2)
            .backoff(AT_ONCE)
            .then(retry(1).backoff(AT_ONCE).then(allow())),
    );
    twice.store.set(Trouble::Away);
    assert!(twice.hit().await.unwrap().admitted);
    assert_eq!(twice.store.calls(), 4);
}

/// Lessons A 23: a reply that was lost is no reason to count twice.
#[tokio::test]
async fn what_may_have_counted_is_not_asked_again() {
    let bench = Bench::new(retry(5).backoff(AT_ONCE).then(raise()));
    bench.store.set(Trouble::Unheard);
    let error = bench.hit().await.unwrap_err();
    assert!(error.may_have_counted());
    assert_eq!(bench.store.calls(), 1);
    bench.store.mend();
    assert_eq!(bench.remaining().await, 9);
}

#[tokio::test]
async fn unless_told_so() {
    let policy = retry(4).backoff(AT_ONCE).even_if_it_may_have_counted();
    let bench = Bench::new(policy);
    bench.store.set(Trouble::Unheard);
    assert!(!bench.hit().await.unwrap().admitted);
    assert_eq!(bench.store.calls(), 5);
    bench.store.mend();
    // Each of them has counted.
    assert_eq!(bench.remaining().await, 5);
}

#[tokio::test]
async fn only_on_some_kinds() {
    let policy = retry(4).backoff(AT_ONCE).on([ErrorKind::Contention]);
    let bench = Bench::new(policy.then(raise()));
    bench.store.set(Trouble::Away);
    bench.hit().await.unwrap_err();
    assert_eq!(bench.store.calls(), 1);
}

/// What timed out shares the time with what is still to come.
#[tokio::test(start_paused = true)]
async fn time_is_shared() {
    let policy = retry(3).backoff(AT_ONCE).on([ErrorKind::Timeout]);
    let bench = Bench::new(policy.even_if_it_may_have_counted().then(raise()));
    bench.store.set(Trouble::Silent);
    let start = Instant::now();
    let error = bench.hit().await.unwrap_err();
    let took = start.elapsed();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(bench.store.calls(), 4);
    assert!(took >= Duration::from_millis(240), "{took:?}");
    assert!(took < Duration::from_millis(260), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn no_pause_outlasts_the_decision() {
    let bench = Bench::new(retry(9).backoff(Backoff::constant(Duration::from_millis(100))));
    bench.store.set(Trouble::Away);
    let start = Instant::now();
    assert!(!bench.hit().await.unwrap().admitted);
    assert!(start.elapsed() < Duration::from_millis(210));
    // At 0, 100 and 200 ms; another one would be too late.
    assert_eq!(bench.store.calls(), 3);
}
