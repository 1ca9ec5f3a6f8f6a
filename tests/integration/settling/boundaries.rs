//! Refunds across the ends of windows and entries, and with a clock that steps back, on every store
//! (L4, L32).

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, LeakyBucketWithQueue, QuotaWithRollover,
    SlidingCounter, SlidingLog, Strategy, TokenBucket,
};
use traffik::{Backend, DynThrottle, ErrorKind, Identity, ManualClock};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisServer};

use crate::memcached::PATIENCE;

/// A throttle of ten in ten seconds whose clock starts at the start of a window.
struct Setup {
    throttle: DynThrottle,
    client: Identity,
    clock: ManualClock,
}

impl Setup {
    fn ten(backend: &Backend, strategy: impl Strategy, test: &str) -> Self {
        let clock = ManualClock::new();
        let throttle = DynThrottle::builder(format!("{test} {strategy:?}"));
        let throttle = throttle.rate("10/10s".parse().unwrap()).strategy(strategy);
        let throttle = throttle.backend(backend.clone().clock(clock.clone()));
        Self {
            throttle: throttle.build().unwrap(),
            client: Identity::new("user"),
            clock,
        }
    }

    /// Reserves, waits, hits, and cancels the reservation; returns the remaining units.
    async fn cancel(&self, reserved: u64, after: Duration, hit: u64) -> u64 {
        let reservation = self.throttle.reserve(&self.client, reserved).await.unwrap();
        assert!(reservation.decision().admitted, "{:?}", self.throttle);
        self.clock.advance(after);
        let decision = self.throttle.hit(&self.client, hit).await.unwrap();
        assert!(decision.admitted, "{:?}", self.throttle);
        reservation.cancel().await.unwrap();
        self.remaining().await
    }

    async fn remaining(&self) -> u64 {
        let stat = self.throttle.stat(&self.client).await.unwrap();
        stat.hits_remaining
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn rollover() -> QuotaWithRollover {
    QuotaWithRollover::new().percent(50.0).max(5)
}

async fn does_not_add_an_ended_window_to_the_carry(backend: Backend) {
    for (after, hit, remaining) in [
        // The whole window was used, so the next one has its own ten only.
        (seconds(10), 0, 10),
        (seconds(10), 3, 7),
        // If the refund is in time, the whole reservation is unused.
        (Duration::from_micros(9_999_999), 0, 15),
        // After an unused window the state is as new.
        (seconds(20), 0, 15),
    ] {
        let setup = Setup::ten(&backend, rollover(), &format!("carry {after:?} {hit}"));
        assert_eq!(
            setup.cancel(10, after, hit).await,
            remaining,
            "{after:?} {hit}"
        );
    }
    // A part of the reservation, likewise.
    let setup = Setup::ten(&backend, rollover(), "part");
    let reservation = setup.throttle.reserve(&setup.client, 10).await.unwrap();
    setup.clock.advance(seconds(12));
    reservation.settle(4).await.unwrap();
    assert_eq!(setup.remaining().await, 10);
    setup.clock.advance(seconds(10));
    assert_eq!(setup.remaining().await, 15);
}

async fn leaves_other_windows_unchanged(backend: Backend) {
    for (after, hit, remaining) in [(10, 0, 10), (10, 4, 6), (9, 0, 10), (35, 2, 8)] {
        let test = format!("windows {after} {hit}");
        let setup = Setup::ten(&backend, FixedWindow::new(), &test);
        assert_eq!(
            setup.cancel(10, seconds(after), hit).await,
            remaining,
            "{test}"
        );
        let setup = Setup::ten(&backend, SlidingLog::new(), &test);
        assert_eq!(
            setup.cancel(10, seconds(after), hit).await,
            remaining,
            "{test}"
        );
    }
    // A cut remains: half of ten at the end of its window, and a tenth more in each calm window.
    for (after, hit, remaining) in [(9, 0, 5), (10, 0, 5), (20, 0, 6), (20, 2, 4)] {
        let test = format!("cut {after} {hit}");
        let setup = Setup::ten(
            &backend,
            Adaptive::new().reduction(0.5).recovery(0.1),
            &test,
        );
        assert_eq!(
            setup.cancel(10, seconds(after), hit).await,
            remaining,
            "{test}"
        );
    }
    // Two windows of a sliding counter are open to refunds.
    for (after, hit, remaining) in [(9, 0, 10), (15, 0, 10), (15, 3, 7), (25, 3, 7)] {
        let test = format!("counter {after} {hit}");
        let setup = Setup::ten(&backend, SlidingCounter::new(), &test);
        assert_eq!(
            setup.cancel(10, seconds(after), hit).await,
            remaining,
            "{test}"
        );
    }
}

/// A refund subtracts the leak of the rate: the factor was 1 before the hits that reduced it.
async fn refunds_a_mean_less_the_leak_of_the_rate(backend: Backend) {
    let strategy = || CostBasedTokenBucket::new().min_refill(0.5);
    let setup = Setup::ten(&backend, strategy(), "mean");
    assert_eq!(setup.cancel(5, seconds(4), 0).await, 8);
    // One unit of 1 leaks at the full rate before a cost of 6 halves the rate: nothing remains to
    // refund.
    let setup = Setup::ten(&backend, strategy(), "mean of two");
    assert_eq!(setup.cancel(1, seconds(1), 6).await, 4);
}

/// A hit is delayed from the law's own moment, wherever the clock is (L16).
async fn limits_the_delay_of_a_queue_when_the_clock_steps_back(backend: Backend) {
    for back in [0, 1, 900_000, 1_000_000] {
        let clock = ManualClock::new();
        let throttle = DynThrottle::builder(format!("queue {back}"));
        let throttle = throttle.rate("6/s".parse().unwrap());
        let throttle = throttle.strategy(LeakyBucketWithQueue::new());
        let throttle = throttle.backend(backend.clone().clock(clock.clone()));
        let throttle = throttle.build().unwrap();
        let client = Identity::new("user");
        for place in 0..6_u64 {
            let decision = throttle.hit(&client, 1).await.unwrap();
            assert!(decision.admitted);
            let delay = Duration::from_micros((place * 1_000_000).div_ceil(6));
            assert_eq!(decision.delay, delay, "{place} after {back}");
            if place == 0 {
                clock.rewind(Duration::from_micros(back));
            }
        }
        let refused = throttle.hit(&client, 1).await.unwrap();
        let wait = Duration::from_micros(166_667 + back);
        assert_eq!((refused.admitted, refused.wait), (false, Some(wait)));
    }
}

/// A hit recorded after the level was written is not part of it.
async fn refunds_only_its_own_hit(backend: Backend) {
    let setup = Setup::ten(&backend, TokenBucket::new(), "later");
    setup.clock.advance(seconds(60));
    let reservation = setup.throttle.reserve(&setup.client, 5).await.unwrap();
    setup.clock.rewind(seconds(30));
    // 30 s behind its moment, more than a period: the state is replaced by a full one.
    let refused = setup.throttle.hit(&setup.client, 1).await.unwrap();
    assert_eq!((refused.admitted, refused.wait), (false, Some(seconds(1))));
    reservation.cancel().await.unwrap();
    assert_eq!(setup.remaining().await, 0);
}

/// The states are new, so refunds of the old ones do not change them.
async fn does_not_refund_states_created_after_a_clear(backend: Backend) {
    async fn check(backend: &Backend, strategy: impl Strategy) {
        let setup = Setup::ten(backend, strategy, "cleared");
        let (throttle, client) = (&setup.throttle, &setup.client);
        let cancelled = throttle.reserve(client, 3).await.unwrap();
        let dropped = throttle.reserve(client, 3).await.unwrap();
        let settled = throttle.reserve(client, 3).await.unwrap();
        if let Err(error) = backend.clear().await {
            // A custom store need not support this.
            return assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
        let anew = throttle.reserve(client, 10).await.unwrap();
        assert!(anew.decision().admitted, "{throttle:?}");
        cancelled.cancel().await.unwrap();
        drop(dropped);
        settled.settle(1).await.unwrap();
        assert_eq!(setup.remaining().await, 0, "{throttle:?}");
        // Charges of the new states are refunded.
        anew.settle(6).await.unwrap();
        assert_eq!(setup.remaining().await, 4, "{throttle:?}");
    }
    check(&backend, FixedWindow::new()).await;
    check(&backend, SlidingCounter::new()).await;
    check(&backend, SlidingLog::new()).await;
    check(&backend, TokenBucket::new()).await;
}

macro_rules! on_every_store {
    ($($test:ident)+) => {$(
        mod $test {
            use super::*;

            #[tokio::test]
            async fn memory() {
                super::$test(Backend::memory()).await;
            }

            #[tokio::test]
            async fn custom() {
                super::$test(Backend::custom(ExpiringStore::default())).await;
            }

            #[tokio::test]
            async fn redis() {
                let server = RedisServer::start();
                let backend = Backend::redis(server.url()).timeout(PATIENCE);
                super::$test(backend.connect().await.unwrap()).await;
            }

            #[tokio::test]
            async fn memcached() {
                let server = MemcachedServer::start();
                let backend = Backend::memcached(server.url()).timeout(PATIENCE);
                let backend = backend.track_keys(true);
                super::$test(backend.connect().await.unwrap()).await;
            }
        }
    )+};
}

on_every_store! {
    does_not_add_an_ended_window_to_the_carry
    leaves_other_windows_unchanged
    refunds_a_mean_less_the_leak_of_the_rate
    limits_the_delay_of_a_queue_when_the_clock_steps_back
    refunds_only_its_own_hit
    does_not_refund_states_created_after_a_clear
}
