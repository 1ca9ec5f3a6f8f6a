//! Several throttles in one decision, each with a policy of its own: the strictest answer holds (D4).

use std::sync::LazyLock;
use std::time::Duration;

use traffik::{Backend, Failure, ManualClock, Throttle, Verdict, throttles};
use traffik_tests::head;

use super::{Flaky, Trouble};

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);
static LOCAL: LazyLock<Backend> = LazyLock::new(|| Backend::memory().clock(CLOCK.clone()));
static EXPENSIVE: LazyLock<Flaky> = LazyLock::new(Flaky::default);

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

/// What a set says when its backend is away, and how often that was called.
async fn away<T: Throttle>() -> (Result<(bool, u64), ()>, u32) {
    let store = Flaky::default();
    store.set(Trouble::Away);
    let decision = T::hit(&head(&Backend::custom(store.clone()))).await;
    let said = decision.map(|it| (it.admitted, it.wait.expect("a time").as_secs()));
    let said = said.map_err(drop);
    (said, store.calls())
}

#[tokio::test]
async fn the_strictest_answer_holds() {
    assert_eq!(away::<(Allowed,)>().await, (Ok((true, 0)), 1));
    assert_eq!(away::<(Allowed, Throttled)>().await, (Ok((false, 1)), 1));
    assert_eq!(away::<(Throttled, Raised, Allowed)>().await, (Err(()), 1));
    assert_eq!(away::<(Raised, Own)>().await, (Err(()), 1));
    // A handler is asked about each member whose it is.
    assert_eq!(away::<(Own, OwnToo)>().await, (Ok((false, 7)), 1));
    assert_eq!(away::<(Own, Throttled)>().await, (Ok((false, 1)), 1));
}

/// Nothing is asked of anybody once it is refused anyway.
#[tokio::test]
async fn a_refusal_ends_it() {
    assert_eq!(away::<(Again, Throttled)>().await, (Ok((false, 1)), 1));
    assert_eq!(away::<(Last, Throttled)>().await, (Err(()), 1));
    assert_eq!(EXPENSIVE.calls(), 0);
    assert_eq!(away::<(Again, Allowed)>().await, (Ok((false, 1)), 3));
}

/// Who falls back decides the whole set there: all members, or none.
#[tokio::test]
async fn a_fallback_decides_for_all() {
    let store = Flaky::default();
    let primary = head(&Backend::custom(store.clone()).clock(CLOCK.clone()));
    store.set(Trouble::Away);
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

/// The shortest time that a member gives is the set's.
#[tokio::test(start_paused = true)]
async fn the_shortest_time() {
    throttles! {
        throttle Short(rate = "10/minute", identifier = everyone, timeout = "30ms", on_error = allow);
        throttle Long(rate = "10/minute", identifier = everyone, timeout = "10s", on_error = allow);
    }
    let store = Flaky::default();
    store.set(Trouble::Silent);
    let start = tokio::time::Instant::now();
    let decision = <(Long, Short)>::hit(&head(&Backend::custom(store))).await;
    assert!(decision.unwrap().admitted);
    assert!(start.elapsed() < Duration::from_millis(40));
}
