//! What answers at once: words, and handlers of the user's own.

use std::sync::Mutex;
use std::time::Duration;

use traffik::failure::{allow, fallback, own, raise, retry, throttle, throttle_for};
use traffik::{Backend, DynThrottle, ErrorKind, Failure, Verdict};

use super::{Bench, Flaky, Trouble, client};

#[tokio::test]
async fn throttle_is_what_happens_if_nothing_is_said() {
    let store = Flaky::default();
    let silent = DynThrottle::builder("silent").rate("10/minute".parse().unwrap());
    let silent = silent.backend(Backend::custom(store.clone())).build();
    store.set(Trouble::Away);
    let decision = silent.unwrap().hit(&client(), 1).await.unwrap();
    assert!(!decision.admitted && !decision.decided);
    assert_eq!(decision.wait, Some(Duration::from_secs(1)));
    assert_eq!((decision.limit, decision.remaining), (10, 0));

    let bench = Bench::new(throttle());
    bench.store.set(Trouble::Away);
    assert_eq!(bench.hit().await.unwrap(), decision);
}

#[tokio::test]
async fn throttle_for_a_time() {
    let bench = Bench::new(throttle_for(Duration::from_millis(2_500)));
    bench.store.set(Trouble::Lost);
    let decision = bench.hit().await.unwrap();
    assert_eq!(decision.wait, Some(Duration::from_millis(2_500)));
    assert!(!decision.never());
}

#[tokio::test]
async fn allow_admits_and_counts_nothing() {
    let bench = Bench::new(allow());
    assert!(bench.hit().await.unwrap().decided);
    bench.store.set(Trouble::Away);
    for _ in 0..30 {
        let decision = bench.hit().await.unwrap();
        assert!(decision.admitted && !decision.decided);
        assert_eq!(decision.wait, Some(Duration::ZERO));
    }
    bench.store.mend();
    assert_eq!(bench.remaining().await, 9);
}

#[tokio::test]
async fn raise_gives_the_error() {
    let bench = Bench::new(raise());
    bench.store.set(Trouble::Lost);
    let error = bench.hit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.may_have_counted());
}

#[tokio::test]
async fn check_obeys_and_stat_needs_a_state() {
    for (policy, expected) in [
        (allow(), Some(true)),
        (throttle(), Some(false)),
        (raise(), None),
    ] {
        let bench = Bench::new(policy);
        bench.store.set(Trouble::Away);
        let enough = bench.throttle.check(&client(), 1).await;
        assert_eq!(enough.ok(), expected);
        let error = bench.throttle.stat(&client()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
    }
}

/// What the program does wrong is neither allowed nor refused nor asked of another backend: it is an error.
#[tokio::test]
async fn mistakes_are_raised_by_every_policy() {
    let other = Flaky::default();
    let elsewhere = Backend::custom(other.clone());
    let policies = [
        allow(),
        throttle(),
        raise(),
        retry(3).even_if_it_may_have_counted().then(allow()).into(),
        fallback(elsewhere.clone()).then(allow()).into(),
        traffik::failure::failover(elsewhere)
            .max_retries(3)
            .then(allow())
            .into(),
    ];
    for policy in policies {
        let bench = Bench::new(policy);
        bench.store.set(Trouble::Nonsense);
        let error = bench.hit().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend);
        assert_eq!(bench.store.calls(), 1);
    }
    assert_eq!(other.calls(), 0);
}

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

async fn on_backend_error(failure: &Failure<'_>) -> Verdict {
    tokio::task::yield_now().await;
    let Failure {
        error,
        uid,
        rate,
        cost,
        backend,
        parts,
        ..
    } = failure;
    assert!(parts.is_none());
    let line = format!("{uid} {rate} {cost} {backend} {:?}", error.kind());
    SEEN.lock().unwrap().push(line);
    match failure.error.kind() {
        ErrorKind::Connection => Verdict::Throttle(Duration::from_secs(5)),
        ErrorKind::Backend => Verdict::Allow,
        _ => Verdict::Raise,
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_told_everything_and_obeyed() {
    let bench = Bench::new(on_backend_error);
    bench.store.set(Trouble::Away);
    let decision = bench.throttle.hit(&client(), 3).await.unwrap();
    assert_eq!(decision.wait, Some(Duration::from_secs(5)));
    // Only a handler sees mistakes, and may make light of them.
    bench.store.set(Trouble::Nonsense);
    assert!(bench.hit().await.unwrap().admitted);
    bench.store.set(Trouble::Silent);
    assert_eq!(bench.hit().await.unwrap_err().kind(), ErrorKind::Timeout);
    let seen = SEEN.lock().unwrap();
    assert_eq!(
        *seen,
        [
            "bench 10/m 3 custom Connection",
            "bench 10/m 1 custom Backend",
            "bench 10/m 1 custom Timeout"
        ]
    );
}

fn at_once(failure: &Failure<'_>) -> Verdict {
    if failure.cost > 1 {
        Verdict::Raise
    } else {
        Verdict::Allow
    }
}

#[tokio::test]
async fn a_handler_need_not_be_async_and_may_be_last() {
    for policy in [own(at_once), retry(1).then(at_once).into()] {
        let bench = Bench::new(policy);
        bench.store.set(Trouble::Away);
        assert!(bench.hit().await.unwrap().admitted);
        bench.throttle.hit(&client(), 2).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_backend_speaks_for_throttles_that_say_nothing() {
    let store = Flaky::default();
    let backend = Backend::custom(store.clone()).on_error(allow());
    let builder = |name: &str| {
        let builder = DynThrottle::builder(name).rate("10/minute".parse().unwrap());
        builder.backend(backend.clone())
    };
    let (silent, own) = (
        builder("silent").build().unwrap(),
        builder("own").on_error(raise()).build().unwrap(),
    );
    store.set(Trouble::Away);
    assert!(silent.hit(&client(), 1).await.unwrap().admitted);
    own.hit(&client(), 1).await.unwrap_err();
    // The handle it was made from is as it was; the states are the same.
    store.mend();
    let plain = Backend::custom(store.clone()).timeout(Duration::from_secs(1));
    plain.set("shared", "yes", None).await.unwrap();
    assert!(backend.get("shared").await.unwrap().is_some());
}

/// What asks nobody cannot fail.
#[tokio::test]
async fn exempt_clients_and_costs_of_nothing() {
    let bench = Bench::new(raise());
    bench.store.set(Trouble::Away);
    let exempt = bench.throttle.hit(&traffik::Identity::Exempt, 1).await;
    assert!(exempt.unwrap().decided);
    assert_eq!(bench.store.calls(), 0);
}
