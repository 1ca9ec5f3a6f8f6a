//! Policies that decide without a backend: throttle, allow, raise, and handlers of the application.

use std::sync::Mutex;
use std::time::Duration;

use traffik::failure::{allow, custom, fallback, raise, retry, throttle, throttle_for};
use traffik::{Backend, DynThrottle, ErrorKind, Failure, Verdict};

use super::{FaultyStore, Setup, StoreFault, client};

#[tokio::test]
async fn throttles_by_default() {
    let store = FaultyStore::default();
    let silent = DynThrottle::builder("silent").rate("10/minute".parse().unwrap());
    let silent = silent.backend(Backend::custom(store.clone())).build();
    store.fail_with(StoreFault::Unreachable);
    let decision = silent.unwrap().hit(&client(), 1).await.unwrap();
    assert!(!decision.admitted && !decision.decided);
    assert_eq!(decision.wait, Some(Duration::from_secs(1)));
    assert_eq!((decision.limit, decision.remaining), (10, 0));

    let setup = Setup::new(throttle());
    setup.store.fail_with(StoreFault::Unreachable);
    assert_eq!(setup.hit().await.unwrap(), decision);
}

#[tokio::test]
async fn throttles_for_a_time() {
    let setup = Setup::new(throttle_for(Duration::from_millis(2_500)));
    setup.store.fail_with(StoreFault::ConnectionLost);
    let decision = setup.hit().await.unwrap();
    assert_eq!(decision.wait, Some(Duration::from_millis(2_500)));
    assert!(!decision.never());
}

#[tokio::test]
async fn allow_admits_and_counts_nothing() {
    let setup = Setup::new(allow());
    assert!(setup.hit().await.unwrap().decided);
    setup.store.fail_with(StoreFault::Unreachable);
    for _ in 0..30 {
        let decision = setup.hit().await.unwrap();
        assert!(decision.admitted && !decision.decided);
        assert_eq!(decision.wait, Some(Duration::ZERO));
    }
    setup.store.heal();
    assert_eq!(setup.remaining().await, 9);
}

#[tokio::test]
async fn raises_the_error() {
    let setup = Setup::new(raise());
    setup.store.fail_with(StoreFault::ConnectionLost);
    let error = setup.hit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.may_have_counted());
}

#[tokio::test]
async fn applies_to_check_but_not_to_stat() {
    for (policy, expected) in [
        (allow(), Some(true)),
        (throttle(), Some(false)),
        (raise(), None),
    ] {
        let setup = Setup::new(policy);
        setup.store.fail_with(StoreFault::Unreachable);
        let enough = setup.throttle.check(&client(), 1).await;
        assert_eq!(enough.ok(), expected);
        let error = setup.throttle.stat(&client()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
    }
}

/// A mistake of the program is neither allowed nor refused nor sent to another backend: it is an
/// error.
#[tokio::test]
async fn raises_mistakes_under_every_policy() {
    let other = FaultyStore::default();
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
        let setup = Setup::new(policy);
        setup.store.fail_with(StoreFault::ErrorReply);
        let error = setup.hit().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend);
        assert_eq!(setup.store.calls(), 1);
    }
    assert_eq!(other.calls(), 0);
}

static FAILURES: Mutex<Vec<String>> = Mutex::new(Vec::new());

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
    FAILURES.lock().unwrap().push(line);
    match failure.error.kind() {
        ErrorKind::Connection => Verdict::Throttle(Duration::from_secs(5)),
        ErrorKind::Backend => Verdict::Allow,
        _ => Verdict::Raise,
    }
}

#[tokio::test(start_paused = true)]
async fn passes_the_failure_to_a_handler_and_applies_its_verdict() {
    let setup = Setup::new(on_backend_error);
    setup.store.fail_with(StoreFault::Unreachable);
    let decision = setup.throttle.hit(&client(), 3).await.unwrap();
    assert_eq!(decision.wait, Some(Duration::from_secs(5)));
    // Only a handler sees mistakes, and may allow them.
    setup.store.fail_with(StoreFault::ErrorReply);
    assert!(setup.hit().await.unwrap().admitted);
    setup.store.fail_with(StoreFault::NoReply);
    assert_eq!(setup.hit().await.unwrap_err().kind(), ErrorKind::Timeout);
    let failures = FAILURES.lock().unwrap();
    assert_eq!(
        *failures,
        [
            "setup 10/m 3 custom Connection",
            "setup 10/m 1 custom Backend",
            "setup 10/m 1 custom Timeout"
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
async fn accepts_a_sync_handler_and_one_after_retries() {
    for policy in [custom(at_once), retry(1).then(at_once).into()] {
        let setup = Setup::new(policy);
        setup.store.fail_with(StoreFault::Unreachable);
        assert!(setup.hit().await.unwrap().admitted);
        setup.throttle.hit(&client(), 2).await.unwrap_err();
    }
}

#[tokio::test]
async fn applies_the_policy_of_the_backend_by_default() {
    let store = FaultyStore::default();
    let backend = Backend::custom(store.clone()).on_error(allow());
    let builder = |name: &str| {
        let builder = DynThrottle::builder(name).rate("10/minute".parse().unwrap());
        builder.backend(backend.clone())
    };
    let (silent, own) = (
        builder("silent").build().unwrap(),
        builder("own").on_error(raise()).build().unwrap(),
    );
    store.fail_with(StoreFault::Unreachable);
    assert!(silent.hit(&client(), 1).await.unwrap().admitted);
    own.hit(&client(), 1).await.unwrap_err();
    // The handle that it was made from is unchanged; the states are shared.
    store.heal();
    let direct = Backend::custom(store.clone()).timeout(Duration::from_secs(1));
    direct.set("shared", "yes", None).await.unwrap();
    assert!(backend.get("shared").await.unwrap().is_some());
}

/// A decision that needs no backend cannot fail.
#[tokio::test]
async fn admits_exempt_clients_and_costs_of_zero_without_a_backend() {
    let setup = Setup::new(raise());
    setup.store.fail_with(StoreFault::Unreachable);
    let exempt = setup.throttle.hit(&traffik::Identity::Exempt, 1).await;
    assert!(exempt.unwrap().decided);
    assert_eq!(setup.store.calls(), 0);
}
