//! Retries of hits that failed.

use std::time::Duration;

use tokio::time::Instant;
use traffik::ErrorKind;
use traffik::failure::{Backoff, allow, raise, retry};

use super::{Setup, StoreFault};

const AT_ONCE: Backoff = Backoff::constant(Duration::ZERO);

/// Lessons C 99.
#[tokio::test]
async fn succeeds_at_the_third_attempt() {
    let setup = Setup::new(retry(3).backoff(AT_ONCE));
    setup.store.fail_with(StoreFault::UnreachableFor(2));
    let decision = setup.hit().await.unwrap();
    assert!(decision.admitted && decision.decided);
    assert_eq!(setup.store.calls(), 3);
    assert_eq!(setup.remaining().await, 9);
}

#[tokio::test]
async fn continues_with_the_next_policy() {
    let refused = Setup::new(retry(3).backoff(AT_ONCE));
    refused.store.fail_with(StoreFault::Unreachable);
    assert!(!refused.hit().await.unwrap().admitted);
    assert_eq!(refused.store.calls(), 4);

    let raised = Setup::new(retry(2).backoff(AT_ONCE).then(raise()));
    raised.store.fail_with(StoreFault::Unreachable);
    raised.hit().await.unwrap_err();
    assert_eq!(raised.store.calls(), 3);

    let twice = Setup::new(
        retry(2)
            .backoff(AT_ONCE)
            .then(retry(1).backoff(AT_ONCE).then(allow())),
    );
    twice.store.fail_with(StoreFault::Unreachable);
    assert!(twice.hit().await.unwrap().admitted);
    assert_eq!(twice.store.calls(), 4);
}

/// A lost reply is no reason to count twice.
#[tokio::test]
async fn does_not_repeat_a_hit_that_may_have_counted() {
    let setup = Setup::new(retry(5).backoff(AT_ONCE).then(raise()));
    setup.store.fail_with(StoreFault::ReplyLost);
    let error = setup.hit().await.unwrap_err();
    assert!(error.may_have_counted());
    assert_eq!(setup.store.calls(), 1);
    setup.store.heal();
    assert_eq!(setup.remaining().await, 9);
}

#[tokio::test]
async fn repeats_a_hit_that_may_have_counted_on_request() {
    let policy = retry(4).backoff(AT_ONCE).even_if_it_may_have_counted();
    let setup = Setup::new(policy);
    setup.store.fail_with(StoreFault::ReplyLost);
    assert!(!setup.hit().await.unwrap().admitted);
    assert_eq!(setup.store.calls(), 5);
    setup.store.heal();
    // Each attempt has counted.
    assert_eq!(setup.remaining().await, 5);
}

#[tokio::test]
async fn retries_only_selected_kinds_of_errors() {
    let policy = retry(4).backoff(AT_ONCE).on([ErrorKind::Contention]);
    let setup = Setup::new(policy.then(raise()));
    setup.store.fail_with(StoreFault::Unreachable);
    setup.hit().await.unwrap_err();
    assert_eq!(setup.store.calls(), 1);
}

/// Attempts that time out share the timeout.
#[tokio::test(start_paused = true)]
async fn shares_the_timeout_among_attempts() {
    let policy = retry(3).backoff(AT_ONCE).on([ErrorKind::Timeout]);
    let setup = Setup::new(policy.even_if_it_may_have_counted().then(raise()));
    setup.store.fail_with(StoreFault::NoReply);
    let start = Instant::now();
    let error = setup.hit().await.unwrap_err();
    let took = start.elapsed();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(setup.store.calls(), 4);
    assert!(took >= Duration::from_millis(240), "{took:?}");
    assert!(took < Duration::from_millis(260), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn makes_no_pause_beyond_the_timeout() {
    let setup = Setup::new(retry(9).backoff(Backoff::constant(Duration::from_millis(100))));
    setup.store.fail_with(StoreFault::Unreachable);
    let start = Instant::now();
    assert!(!setup.hit().await.unwrap().admitted);
    assert!(start.elapsed() < Duration::from_millis(210));
    // At 0, 100 and 200 ms; another attempt would be too late.
    assert_eq!(setup.store.calls(), 3);
}
