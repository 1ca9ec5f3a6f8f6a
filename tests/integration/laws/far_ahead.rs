//! A clock that jumped ahead and came back: the first hit replaces a state more than a period ahead
//! by a full one, so that no more is admitted and no wait is longer than the law needs to empty
//! (L4), on every store.

#![expect(
    clippy::unchecked_time_subtraction,
    reason = "these moments are long after 1970"
)]

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Tiered, TimeOfDay, TokenBucket,
};
use traffik::{Backend, DynThrottle, Identity, ManualClock, Throttle as _};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisCluster, RedisServer, head};

use crate::memcached::PATIENCE;

const DAY: Duration = Duration::from_secs(86_400);
const TICK: Duration = Duration::from_micros(1);

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Builds a throttle of 5 in 10 s for each strategy, with the time until its full state admits a
/// unit.
fn each(backend: &Backend, prefix: &str) -> Vec<(&'static str, DynThrottle, Duration)> {
    let mut throttles = Vec::new();
    macro_rules! each {
        ($($strategy:expr => $empties:expr;)+) => {$(
            let name = stringify!($strategy);
            let throttle = DynThrottle::builder(format!("{prefix} {name}"));
            let throttle = throttle.rate("5/10s".parse().unwrap()).strategy($strategy);
            let throttle = throttle.backend(backend.clone()).build().unwrap();
            throttles.push((name, throttle, $empties));
        )+};
    }
    // The hits come 3 s after the start of a window.
    each! {
        FixedWindow::new() => seconds(7);
        Tiered::new().tier("free", 0.6).default_tier("free") => seconds(7);
        TimeOfDay::new().window("00:00-24:00", 0.8) => seconds(7);
        QuotaWithRollover::new().percent(50.0) => seconds(7);
        Adaptive::new() => seconds(7);
        // A fifth of the full window has to expire.
        SlidingCounter::new() => seconds(9);
        SlidingLog::new() => seconds(10);
        Priority::new() => seconds(10);
        TokenBucket::new() => seconds(2);
        TokenBucket::new().burst(8).debt(2) => seconds(2);
        LeakyBucket::new().capacity(3) => seconds(2);
        LeakyBucketWithQueue::new() => seconds(2);
        Gcra::new() => seconds(2);
        Gcra::new().burst_tolerance(seconds(7)) => seconds(2);
        CostBasedTokenBucket::new() => seconds(2);
    }
    throttles
}

async fn locks_out_no_longer_than_a_full_state(backend: Backend, counts_natively: bool) {
    let clock = ManualClock::new();
    let start = clock.now();
    let backend = backend.clock(clock.clone());
    let client = Identity::new("client");
    for (name, throttle, empties) in each(&backend, "ahead") {
        let hit = async || throttle.hit(&client, 1).await.unwrap();
        clock.set(start);
        assert!(hit().await.admitted, "{name}");
        clock.set(start + 30 * DAY);
        assert!(hit().await.admitted, "{name}");
        clock.set(start + seconds(3));
        let is_window = name.starts_with("Fixed") || name.starts_with("Ti");
        if counts_natively && is_window {
            // Memcached counts each window under a key of its own, so the hit finds the count of
            // its window.
            let limit = throttle.stat(&client).await.unwrap().hits_remaining;
            for _ in 0..limit {
                assert!(hit().await.admitted, "{name}");
            }
            assert_eq!(hit().await.wait, Some(empties), "{name}");
            continue;
        }
        let stat = throttle.stat(&client).await.unwrap();
        assert_eq!(
            (stat.hits_remaining, stat.wait),
            (0, Some(empties)),
            "{name}"
        );
        assert!(!throttle.check(&client, 1).await.unwrap(), "{name}");
        let refused = hit().await;
        assert!(!refused.admitted, "{name}");
        assert_eq!(refused.wait, Some(empties), "{name}");
        // The first hit has filled the state: later reads report no longer wait.
        let due = start + seconds(3) + empties;
        clock.set(due - TICK);
        let refused = hit().await;
        assert_eq!(
            (refused.admitted, refused.wait),
            (false, Some(TICK)),
            "{name}"
        );
        clock.set(due);
        assert!(hit().await.admitted, "{name}");
    }
}

/// One period ahead still counts; one tick more is too much.
async fn waits_for_a_clock_one_period_behind(backend: Backend, counts_natively: bool) {
    let clock = ManualClock::new();
    let start = clock.now();
    let backend = backend.clock(clock.clone());
    let client = Identity::new("client");
    for (name, throttle, empties) in each(&backend, "one period") {
        if counts_natively && (name.starts_with("Fixed") || name.starts_with("Ti")) {
            continue;
        }
        // Without tolerance the second of two hits at one moment is refused anyway.
        if name == "Gcra::new()" {
            continue;
        }
        let ahead = start + seconds(20);
        clock.set(ahead);
        assert!(throttle.hit(&client, 1).await.unwrap().admitted, "{name}");
        clock.set(ahead - seconds(10));
        let hit = throttle.hit(&client, 1).await.unwrap();
        assert!(hit.admitted, "{name}");
        clock.set(ahead - seconds(10) - TICK);
        let refused = throttle.hit(&client, 1).await.unwrap();
        assert!(
            !refused.admitted && refused.wait.unwrap() <= empties + seconds(20),
            "{name}"
        );
    }
}

/// Each rate of a list compares with its own period.
async fn fills_the_members_of_a_list_that_are_too_far_ahead(backend: Backend, _: bool) {
    let clock = ManualClock::new();
    let start = clock.now();
    let backend = backend.clock(clock.clone());
    let client = Identity::new("client");
    let throttle = DynThrottle::builder("list").strategy(SlidingLog::new());
    let throttle = throttle.rate("5/10s".parse().unwrap());
    let throttle = throttle.rate("20/hour".parse().unwrap());
    let throttle = throttle.backend(backend).build().unwrap();
    clock.set(start + seconds(60));
    assert!(throttle.hit(&client, 2).await.unwrap().admitted);
    clock.set(start);
    let refused = throttle.hit(&client, 1).await.unwrap();
    assert_eq!((refused.admitted, refused.wait), (false, Some(seconds(10))));
    let stat = throttle.stat(&client).await.unwrap();
    let members = stat.members.iter().map(|member| member.hits_remaining);
    assert_eq!(members.collect::<Vec<_>>(), [0, 18]);
    clock.set(start + seconds(10) - TICK);
    assert!(!throttle.hit(&client, 1).await.unwrap().admitted);
    clock.set(start + seconds(10));
    assert_eq!(throttle.hit(&client, 1).await.unwrap().remaining, 4);
    // The hour's entry is still a minute ahead: its clock is stopped there.
    clock.set(start + seconds(3_660) - TICK);
    let stat = throttle.stat(&client).await.unwrap();
    assert_eq!(stat.members[1].hits_remaining, 17);
}

traffik::throttles! {
    throttle Spent(rate = "1/minute", identifier = everyone);
    throttle Ahead(rate = "5/10s", strategy = token_bucket, identifier = everyone);
    throttle AheadByAddress(rate = "5/10s", strategy = token_bucket, identifier = ip);
}

/// A set that another member refuses has read the state too.
async fn fills_the_states_of_all_members_of_a_refused_set(backend: Backend, _: bool) {
    type Both = (Spent, Ahead);
    let clock = ManualClock::new();
    let start = clock.now();
    let head = head(&backend.clock(clock.clone()));
    clock.set(start + DAY);
    assert!(Ahead::hit(&head).await.unwrap().admitted);
    clock.set(start);
    assert!(Spent::hit(&head).await.unwrap().admitted);
    assert!(!Both::hit(&head).await.unwrap().admitted);
    clock.set(start + seconds(2) - TICK);
    assert!(!Ahead::hit(&head).await.unwrap().admitted);
    clock.set(start + seconds(2));
    assert!(Ahead::hit(&head).await.unwrap().admitted);
}

/// A set in several slots of a Cluster has read all states too, though the later members are not
/// decided.
#[tokio::test]
async fn fills_the_states_in_all_slots_of_a_cluster() {
    type Both = (AheadByAddress, Spent);
    let cluster = RedisCluster::start();
    let backend = Backend::redis(cluster.url()).timeout(PATIENCE);
    let clock = ManualClock::new();
    let start = clock.now();
    let backend = backend.connect().await.unwrap().clock(clock.clone());
    let head = head(&backend);
    clock.set(start + DAY);
    assert!(AheadByAddress::hit(&head).await.unwrap().admitted);
    assert!(Spent::hit(&head).await.unwrap().admitted);
    clock.set(start);
    // Both are far ahead, and the first to be decided refuses.
    assert!(!Both::hit(&head).await.unwrap().admitted);
    clock.set(start + seconds(2) - TICK);
    assert!(!AheadByAddress::hit(&head).await.unwrap().admitted);
    clock.set(start + seconds(2));
    assert!(AheadByAddress::hit(&head).await.unwrap().admitted);
    // The window of a minute began 40 s before.
    clock.set(start + seconds(20) - TICK);
    assert!(!Spent::hit(&head).await.unwrap().admitted);
    clock.set(start + seconds(20));
    assert!(Spent::hit(&head).await.unwrap().admitted);
}

macro_rules! on_every_store {
    ($($test:ident)+) => {$(
        mod $test {
            use super::*;

            #[tokio::test]
            async fn memory() {
                super::$test(Backend::memory(), false).await;
            }

            #[tokio::test]
            async fn custom() {
                super::$test(Backend::custom(ExpiringStore::default()), false).await;
            }

            #[tokio::test]
            async fn redis() {
                let server = RedisServer::start();
                let backend = Backend::redis(server.url()).timeout(PATIENCE);
                super::$test(backend.connect().await.unwrap(), false).await;
            }

            #[tokio::test]
            async fn memcached() {
                let server = MemcachedServer::start();
                let backend = Backend::memcached(server.url()).timeout(PATIENCE);
                super::$test(backend.connect().await.unwrap(), true).await;
            }
        }
    )+};
}

on_every_store! {
    locks_out_no_longer_than_a_full_state
    waits_for_a_clock_one_period_behind
    fills_the_members_of_a_list_that_are_too_far_ahead
    fills_the_states_of_all_members_of_a_refused_set
}
