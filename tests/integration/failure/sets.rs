//! Sets whose throttles have different policies: the strictest verdict wins.

use std::sync::LazyLock;
use std::time::Duration;

use traffik::{Backend, Failure, ManualClock, Throttle, Verdict, throttles};
use traffik_tests::head;

use super::{FaultyStore, StoreFault};

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);
static LOCAL: LazyLock<Backend> = LazyLock::new(|| Backend::memory().clock(CLOCK.clone()));
static EXPENSIVE: LazyLock<FaultyStore> = LazyLock::new(FaultyStore::default);

async fn slow_down(failure: &Failure<'_>) -> Verdict {
    assert!(failure.uid.contains("Own"));
    Verdict::Throttle(Duration::from_secs(failure.cost))
}

throttles! {
    defaults(identifier = everyone);

    throttle Allowed(rate = "10/minute", on_error = allow);
    throttle Throttled(rate = "20/minute", on_error = throttle);
    throttle Raised(rate = "30/minute", on_error = raise);
    throttle Own(rate = "40/minute", on_error = slow_down);
    throttle OwnToo(rate = "40/minute", on_error = slow_down, cost = 7);
    throttle Local(rate = "3/minute", on_error = fallback(backend = LOCAL.clone()));
    throttle Again(rate = "50/minute", on_error = retry(max_retries = 2, delay = "1ms"));
    throttle Last(rate = "50/minute", on_error = fallback(backend = Backend::custom(EXPENSIVE.clone()), then = raise));
}

/// Returns the decision or the error of a set whose backend is unreachable, and the calls of the
/// backend.
async fn hit_unreachable<T: Throttle>() -> (Result<(bool, u64), ()>, u32) {
    let store = FaultyStore::default();
    store.fail_with(StoreFault::Unreachable);
    let decision = T::hit(&head(&Backend::custom(store.clone()))).await;
    let outcome = decision.map(|it| (it.admitted, it.wait.expect("a time").as_secs()));
    let outcome = outcome.map_err(drop);
    (outcome, store.calls())
}

#[tokio::test]
async fn applies_the_strictest_verdict() {
    assert_eq!(hit_unreachable::<(Allowed,)>().await, (Ok((true, 0)), 1));
    assert_eq!(
        hit_unreachable::<(Allowed, Throttled)>().await,
        (Ok((false, 1)), 1)
    );
    assert_eq!(
        hit_unreachable::<(Throttled, Raised, Allowed)>().await,
        (Err(()), 1)
    );
    assert_eq!(hit_unreachable::<(Raised, Own)>().await, (Err(()), 1));
    // A handler is called for each of its members.
    assert_eq!(
        hit_unreachable::<(Own, OwnToo)>().await,
        (Ok((false, 7)), 1)
    );
    assert_eq!(
        hit_unreachable::<(Own, Throttled)>().await,
        (Ok((false, 1)), 1)
    );
}

/// Once the set is refused, no further policy runs.
#[tokio::test]
async fn runs_no_further_policy_after_a_refusal() {
    assert_eq!(
        hit_unreachable::<(Again, Throttled)>().await,
        (Ok((false, 1)), 1)
    );
    assert_eq!(hit_unreachable::<(Last, Throttled)>().await, (Err(()), 1));
    assert_eq!(EXPENSIVE.calls(), 0);
    assert_eq!(
        hit_unreachable::<(Again, Allowed)>().await,
        (Ok((false, 1)), 3)
    );
}

/// A fallback decides the whole set: all members, or none.
#[tokio::test]
async fn decides_the_whole_set_in_a_fallback() {
    let store = FaultyStore::default();
    let primary = head(&Backend::custom(store.clone()).clock(CLOCK.clone()));
    store.fail_with(StoreFault::Unreachable);
    let mut admitted = Vec::new();
    for _ in 0..5 {
        let decision = <(Allowed, Local)>::hit(&primary).await.unwrap();
        assert!(decision.decided);
        admitted.push(decision.admitted);
    }
    assert_eq!(admitted, [true, true, true, false, false]);
    let stat = Allowed::stat(&head(&LOCAL)).await.unwrap();
    assert_eq!(stat.hits_remaining, 7);
}

/// The shortest timeout of the members is that of the set.
#[tokio::test(start_paused = true)]
async fn applies_the_shortest_timeout() {
    throttles! {
        throttle Short(rate = "10/minute", identifier = everyone, timeout = "30ms", on_error = allow);
        throttle Long(rate = "10/minute", identifier = everyone, timeout = "10s", on_error = allow);
    }
    let store = FaultyStore::default();
    store.fail_with(StoreFault::NoReply);
    let start = tokio::time::Instant::now();
    let decision = <(Long, Short)>::hit(&head(&Backend::custom(store))).await;
    assert!(decision.unwrap().admitted);
    assert!(start.elapsed() < Duration::from_millis(40));
}
