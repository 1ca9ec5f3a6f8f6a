//! Asking another backend, and coming back from it.

use std::time::Duration;

use traffik::failure::{fallback, raise};
use traffik::strategy::TokenBucket;
use traffik::{Backend, DynThrottle, ErrorKind, ManualClock};

use super::{Bench, Flaky, Trouble, client, left, local};

#[tokio::test]
async fn the_other_one_decides() {
    let clock = ManualClock::new();
    let (elsewhere, shown) = local(&clock);
    let bench = Bench::with_clock(clock, fallback(elsewhere));
    assert_eq!(bench.admitted(4).await, 4);
    assert_eq!(left(&shown).await, 10);
    bench.store.set(Trouble::Away);
    let decision = bench.hit().await.unwrap();
    assert!(decision.decided && decision.admitted);
    assert_eq!(decision.remaining, 9);
    assert_eq!(bench.admitted(12).await, 9);
    assert_eq!(left(&shown).await, 0);
    let refused = bench.hit().await.unwrap();
    assert!(refused.decided && !refused.admitted);
    assert!(refused.wait.unwrap() > Duration::from_secs(1));
    // While the first is away, `stat` and `check` speak of the other.
    assert_eq!(bench.remaining().await, 0);
    assert!(!bench.throttle.check(&client(), 1).await.unwrap());
    bench.store.mend();
    // The first has 6 left, but the other has to admit as well.
    assert_eq!(bench.remaining().await, 0);
}

#[tokio::test]
async fn a_share_of_it() {
    let clock = ManualClock::new();
    for (instances, expected) in [(1, 10), (3, 3), (10, 1), (11, 1), (0, 10)] {
        let (elsewhere, _) = local(&clock);
        let bench = Bench::with_clock(clock.clone(), fallback(elsewhere).instances(instances));
        bench.store.set(Trouble::Away);
        assert!(bench.throttle.check(&client(), expected).await.unwrap());
        assert!(!bench.throttle.check(&client(), expected + 1).await.unwrap());
        assert_eq!(bench.remaining().await, expected);
        assert_eq!(u64::from(bench.admitted(20).await), expected, "{instances}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_on_some_kinds() {
    let (elsewhere, shown) = local(&ManualClock::new());
    let policy = fallback(elsewhere).on([ErrorKind::Timeout]).then(raise());
    let bench = Bench::new(policy);
    bench.store.set(Trouble::Away);
    let error = bench.hit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(left(&shown).await, 10);
    bench.store.set(Trouble::Silent);
    assert!(bench.hit().await.unwrap().admitted);
}

#[tokio::test]
async fn when_the_other_one_fails_too() {
    let other = Flaky::default();
    other.set(Trouble::Lost);
    let bench = Bench::new(fallback(Backend::custom(other.clone())));
    bench.store.set(Trouble::Away);
    let decision = bench.hit().await.unwrap();
    assert!(!decision.decided && !decision.admitted);
    assert_eq!(other.calls(), 1);

    let third = Backend::custom(Flaky::default());
    let policy = fallback(Backend::custom(other)).then(fallback(third).then(raise()));
    let bench = Bench::new(policy);
    bench.store.set(Trouble::Away);
    assert_eq!(bench.admitted(12).await, 10);
}

/// What one process took while it was on its own still holds for it, so that going back and forth gives nobody more than
/// twice the limit in a period.
#[tokio::test]
async fn back_and_forth() {
    let clock = ManualClock::new();
    let (elsewhere, shown) = local(&clock);
    let bench = Bench::with_clock(clock, fallback(elsewhere));
    assert_eq!(bench.admitted(3).await, 3);
    bench.store.set(Trouble::Away);
    assert_eq!(bench.admitted(4).await, 4);
    bench.store.mend();
    // Seven are left of the first, six of the other.
    assert_eq!(bench.admitted(20).await, 6);
    assert_eq!(left(&shown).await, 0);
    let calls = bench.store.calls();
    let refused = bench.hit().await.unwrap();
    assert!(refused.decided && !refused.admitted);
    assert_eq!(bench.store.calls(), calls, "the refusal needs nobody else");
    bench.store.set(Trouble::Away);
    assert_eq!(bench.admitted(20).await, 0);
    bench.store.mend();
    assert_eq!(bench.remaining().await, 0);
    // A period later all of that has run out.
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(bench.admitted(20).await, 10);
    assert_eq!(left(&shown).await, 10);
}

/// While both have to admit, a client is told what both admit.
#[tokio::test]
async fn the_smaller_is_told_when_the_first_is_back() {
    let clock = ManualClock::new();
    let (elsewhere, _) = local(&clock);
    let bench = Bench::with_clock(clock, fallback(elsewhere));
    bench.store.set(Trouble::Away);
    assert_eq!(bench.admitted(7).await, 7);
    bench.store.mend();
    for left in (0..3).rev() {
        assert_eq!(bench.remaining().await, left + 1);
        assert!(bench.throttle.check(&client(), left + 1).await.unwrap());
        assert!(!bench.throttle.check(&client(), left + 2).await.unwrap());
        let decision = bench.hit().await.unwrap();
        assert!(decision.admitted);
        assert_eq!(decision.remaining, left);
    }
    assert_eq!(bench.remaining().await, 0);
    assert!(!bench.throttle.check(&client(), 1).await.unwrap());
    let refused = bench.hit().await.unwrap();
    let stat = bench.throttle.stat(&client()).await.unwrap();
    assert_eq!((refused.admitted, refused.wait), (false, stat.wait));
    // The other way round: the first has less.
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(bench.admitted(6).await, 6);
    bench.store.set(Trouble::Away);
    assert!(bench.hit().await.unwrap().admitted);
    bench.store.mend();
    assert_eq!(bench.remaining().await, 4);
    assert_eq!(bench.hit().await.unwrap().remaining, 3);
}

/// Of a list of rates, the smaller of each.
#[tokio::test]
async fn the_smaller_of_each_rate_is_told() {
    let (store, clock) = (Flaky::default(), ManualClock::new());
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
    store.set(Trouble::Away);
    assert!(throttle.hit(&client(), 9).await.unwrap().admitted);
    store.mend();
    let stat = throttle.stat(&client()).await.unwrap();
    let left: Vec<_> = stat.members.iter().map(|it| it.hits_remaining).collect();
    assert_eq!(left, [1, 11]);
    assert_eq!(throttle.hit(&client(), 1).await.unwrap().remaining, 0);
}

/// After a share, the rest of the limit is there again.
#[tokio::test]
async fn back_from_a_share() {
    let clock = ManualClock::new();
    let (elsewhere, _) = local(&clock);
    let bench = Bench::with_clock(clock, fallback(elsewhere).instances(5));
    bench.store.set(Trouble::Away);
    assert_eq!(bench.admitted(5).await, 2);
    bench.store.mend();
    assert_eq!(bench.admitted(20).await, 8);
}

/// What a strategy is set to besides the rate is not shared out.
#[tokio::test]
async fn a_burst_that_was_written_stays() {
    let store = Flaky::default();
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
    store.set(Trouble::Away);
    let burst = builder(TokenBucket::new().burst(7));
    assert!(burst.check(&client(), 7).await.unwrap());
    let none = builder(TokenBucket::new());
    assert!(none.check(&client(), 2).await.unwrap());
    assert!(!none.check(&client(), 3).await.unwrap());
}
