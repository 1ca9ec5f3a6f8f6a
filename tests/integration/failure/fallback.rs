//! Fallbacks: another backend decides while the first one fails, and afterwards both do.

use std::time::Duration;

use traffik::failure::{fallback, raise};
use traffik::strategy::TokenBucket;
use traffik::{Backend, DynThrottle, ErrorKind, ManualClock};

use super::{FaultyStore, Setup, StoreFault, client, left, local};

#[tokio::test]
async fn decides_by_the_other_backend() {
    let clock = ManualClock::new();
    let (elsewhere, shown) = local(&clock);
    let setup = Setup::with_clock(clock, fallback(elsewhere));
    assert_eq!(setup.admitted(4).await, 4);
    assert_eq!(left(&shown).await, 10);
    setup.store.fail_with(StoreFault::Unreachable);
    let decision = setup.hit().await.unwrap();
    assert!(decision.decided && decision.admitted);
    assert_eq!(decision.remaining, 9);
    assert_eq!(setup.admitted(12).await, 9);
    assert_eq!(left(&shown).await, 0);
    let refused = setup.hit().await.unwrap();
    assert!(refused.decided && !refused.admitted);
    assert!(refused.wait.unwrap() > Duration::from_secs(1));
    // While the first backend is unreachable, `stat` and `check` read the other one.
    assert_eq!(setup.remaining().await, 0);
    assert!(!setup.throttle.check(&client(), 1).await.unwrap());
    setup.store.heal();
    // 6 units remain in the first backend, but the other one has to admit as well.
    assert_eq!(setup.remaining().await, 0);
}

#[tokio::test]
async fn divides_the_limit_among_instances() {
    let clock = ManualClock::new();
    for (instances, expected) in [(1, 10), (3, 3), (10, 1), (11, 1), (0, 10)] {
        let (elsewhere, _) = local(&clock);
        let setup = Setup::with_clock(clock.clone(), fallback(elsewhere).instances(instances));
        setup.store.fail_with(StoreFault::Unreachable);
        assert!(setup.throttle.check(&client(), expected).await.unwrap());
        assert!(!setup.throttle.check(&client(), expected + 1).await.unwrap());
        assert_eq!(setup.remaining().await, expected);
        assert_eq!(u64::from(setup.admitted(20).await), expected, "{instances}");
    }
}

#[tokio::test(start_paused = true)]
async fn applies_only_to_selected_kinds_of_errors() {
    let (elsewhere, shown) = local(&ManualClock::new());
    let policy = fallback(elsewhere).on([ErrorKind::Timeout]).then(raise());
    let setup = Setup::new(policy);
    setup.store.fail_with(StoreFault::Unreachable);
    let error = setup.hit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(left(&shown).await, 10);
    setup.store.fail_with(StoreFault::NoReply);
    assert!(setup.hit().await.unwrap().admitted);
}

#[tokio::test]
async fn continues_with_the_next_policy_when_the_fallback_fails_too() {
    let other = FaultyStore::default();
    other.fail_with(StoreFault::ConnectionLost);
    let setup = Setup::new(fallback(Backend::custom(other.clone())));
    setup.store.fail_with(StoreFault::Unreachable);
    let decision = setup.hit().await.unwrap();
    assert!(!decision.decided && !decision.admitted);
    assert_eq!(other.calls(), 1);

    let third = Backend::custom(FaultyStore::default());
    let policy = fallback(Backend::custom(other)).then(fallback(third).then(raise()));
    let setup = Setup::new(policy);
    setup.store.fail_with(StoreFault::Unreachable);
    assert_eq!(setup.admitted(12).await, 10);
}

/// The counts of a fallback remain in force after it, so that switching back and forth admits at
/// most twice the limit in a period.
#[tokio::test]
async fn keeps_counts_when_switching_back_and_forth() {
    let clock = ManualClock::new();
    let (elsewhere, shown) = local(&clock);
    let setup = Setup::with_clock(clock, fallback(elsewhere));
    assert_eq!(setup.admitted(3).await, 3);
    setup.store.fail_with(StoreFault::Unreachable);
    assert_eq!(setup.admitted(4).await, 4);
    setup.store.heal();
    // 7 units remain in the first backend, 6 in the other.
    assert_eq!(setup.admitted(20).await, 6);
    assert_eq!(left(&shown).await, 0);
    let calls = setup.store.calls();
    let refused = setup.hit().await.unwrap();
    assert!(refused.decided && !refused.admitted);
    assert_eq!(setup.store.calls(), calls, "the refusal needs nobody else");
    setup.store.fail_with(StoreFault::Unreachable);
    assert_eq!(setup.admitted(20).await, 0);
    setup.store.heal();
    assert_eq!(setup.remaining().await, 0);
    // A period later all counts have expired.
    setup.clock.advance(Duration::from_secs(60));
    assert_eq!(setup.admitted(20).await, 10);
    assert_eq!(left(&shown).await, 10);
}

/// While both backends have to admit, the smaller remainder is reported.
#[tokio::test]
async fn reports_the_smaller_remainder_after_the_first_backend_recovers() {
    let clock = ManualClock::new();
    let (elsewhere, _) = local(&clock);
    let setup = Setup::with_clock(clock, fallback(elsewhere));
    setup.store.fail_with(StoreFault::Unreachable);
    assert_eq!(setup.admitted(7).await, 7);
    setup.store.heal();
    for left in (0..3).rev() {
        assert_eq!(setup.remaining().await, left + 1);
        assert!(setup.throttle.check(&client(), left + 1).await.unwrap());
        assert!(!setup.throttle.check(&client(), left + 2).await.unwrap());
        let decision = setup.hit().await.unwrap();
        assert!(decision.admitted);
        assert_eq!(decision.remaining, left);
    }
    assert_eq!(setup.remaining().await, 0);
    assert!(!setup.throttle.check(&client(), 1).await.unwrap());
    let refused = setup.hit().await.unwrap();
    let stat = setup.throttle.stat(&client()).await.unwrap();
    assert_eq!((refused.admitted, refused.wait), (false, stat.wait));
    // The reverse: less remains in the first backend.
    setup.clock.advance(Duration::from_secs(60));
    assert_eq!(setup.admitted(6).await, 6);
    setup.store.fail_with(StoreFault::Unreachable);
    assert!(setup.hit().await.unwrap().admitted);
    setup.store.heal();
    assert_eq!(setup.remaining().await, 4);
    assert_eq!(setup.hit().await.unwrap().remaining, 3);
}

/// For a list of rates, the smaller remainder of each rate is reported.
#[tokio::test]
async fn reports_the_smaller_remainder_of_each_rate() {
    let (store, clock) = (FaultyStore::default(), ManualClock::new());
    let throttle = DynThrottle::builder("list")
        .rate("10/minute".parse().unwrap())
        .rate("20/hour".parse().unwrap())
        .on_error(fallback(Backend::memory().clock(clock.clone())))
        .backend(Backend::custom(store.clone()).clock(clock))
        .build()
        .unwrap();
    for _ in 0..2 {
        assert!(throttle.hit(&client(), 1).await.unwrap().admitted);
    }
    store.fail_with(StoreFault::Unreachable);
    assert!(throttle.hit(&client(), 9).await.unwrap().admitted);
    store.heal();
    let stat = throttle.stat(&client()).await.unwrap();
    let left: Vec<_> = stat.members.iter().map(|it| it.hits_remaining).collect();
    assert_eq!(left, [1, 11]);
    assert_eq!(throttle.hit(&client(), 1).await.unwrap().remaining, 0);
}

/// After a share, the rest of the limit is available again.
#[tokio::test]
async fn restores_the_whole_limit_after_a_share() {
    let clock = ManualClock::new();
    let (elsewhere, _) = local(&clock);
    let setup = Setup::with_clock(clock, fallback(elsewhere).instances(5));
    setup.store.fail_with(StoreFault::Unreachable);
    assert_eq!(setup.admitted(5).await, 2);
    setup.store.heal();
    assert_eq!(setup.admitted(20).await, 8);
}

/// A fallback divides the rate among instances, but not the other parameters of a strategy.
#[tokio::test]
async fn does_not_divide_an_explicit_burst() {
    let store = FaultyStore::default();
    let builder = |strategy: TokenBucket| {
        let builder = DynThrottle::builder("bucket").rate("10/minute".parse().unwrap());
        let builder = builder
            .strategy(strategy)
            .on_error(fallback(Backend::memory()).instances(5));
        builder
            .backend(Backend::custom(store.clone()))
            .build()
            .unwrap()
    };
    store.fail_with(StoreFault::Unreachable);
    let burst = builder(TokenBucket::new().burst(7));
    assert!(burst.check(&client(), 7).await.unwrap());
    let none = builder(TokenBucket::new());
    assert!(none.check(&client(), 2).await.unwrap());
    assert!(!none.check(&client(), 3).await.unwrap());
}
