//! Refunds across the ends of windows and entries, and behind the clock, on every store (L4, L32).

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, LeakyBucketWithQueue, QuotaWithRollover,
    SlidingCounter, SlidingLog, Strategy, TokenBucket,
};
use traffik::{Backend, DynThrottle, ErrorKind, Identity, ManualClock};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisServer};

use crate::memcached::PATIENCE;

/// A throttle of ten in ten seconds whose clock starts at the start of a window.
struct Ground {
    throttle: DynThrottle,
    client: Identity,
    clock: ManualClock,
}

impl Ground {
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

    /// Reserves, waits, hits, and cancels the reservation; returns what remains.
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

async fn an_ended_window_adds_nothing_to_the_carry(backend: Backend) {
    for (after, hit, remaining) in [
        // Nothing was unused, so the next window has its own ten.
        (seconds(10), 0, 10),
        (seconds(10), 3, 7),
        // In time, the whole reserve is unused.
        (Duration::from_micros(9_999_999), 0, 15),
        // After an unused window all is as new.
        (seconds(20), 0, 15),
    ] {
        let ground = Ground::ten(&backend, rollover(), &format!("carry {after:?} {hit}"));
        assert_eq!(
            ground.cancel(10, after, hit).await,
            remaining,
            "{after:?} {hit}"
        );
    }
    // A part of it, likewise.
    let ground = Ground::ten(&backend, rollover(), "part");
    let reservation = ground.throttle.reserve(&ground.client, 10).await.unwrap();
    ground.clock.advance(seconds(12));
    reservation.settle(4).await.unwrap();
    assert_eq!(ground.remaining().await, 10);
    ground.clock.advance(seconds(10));
    assert_eq!(ground.remaining().await, 15);
}

async fn other_windows_are_unchanged_by_a_late_refund(backend: Backend) {
    for (after, hit, remaining) in [(10, 0, 10), (10, 4, 6), (9, 0, 10), (35, 2, 8)] {
        let test = format!("windows {after} {hit}");
        let ground = Ground::ten(&backend, FixedWindow::new(), &test);
        assert_eq!(
            ground.cancel(10, seconds(after), hit).await,
            remaining,
            "{test}"
        );
        let ground = Ground::ten(&backend, SlidingLog::new(), &test);
        assert_eq!(
            ground.cancel(10, seconds(after), hit).await,
            remaining,
            "{test}"
        );
    }
    // A cut stays: half of ten at the end of its window, and a tenth more in each that is calm.
    for (after, hit, remaining) in [(9, 0, 5), (10, 0, 5), (20, 0, 6), (20, 2, 4)] {
        let test = format!("cut {after} {hit}");
        let ground = Ground::ten(
            &backend,
            Adaptive::new().reduction(0.5).recovery(0.1),
            &test,
        );
        assert_eq!(
            ground.cancel(10, seconds(after), hit).await,
            remaining,
            "{test}"
        );
    }
    // Two windows of a sliding counter are open to refunds.
    for (after, hit, remaining) in [(9, 0, 10), (15, 0, 10), (15, 3, 7), (25, 3, 7)] {
        let test = format!("counter {after} {hit}");
        let ground = Ground::ten(&backend, SlidingCounter::new(), &test);
        assert_eq!(
            ground.cancel(10, seconds(after), hit).await,
            remaining,
            "{test}"
        );
    }
}

/// The leak that a refund takes off is that of the rate: the factor was 1 before the hits that
/// lowered it.
async fn a_mean_refunds_what_the_rate_has_not_leaked(backend: Backend) {
    let strategy = || CostBasedTokenBucket::new().min_refill(0.5);
    let ground = Ground::ten(&backend, strategy(), "mean");
    assert_eq!(ground.cancel(5, seconds(4), 0).await, 8);
    // 1 of 1 leaks at the full rate before a cost of 6 halves it: none of it is left to be
    // refunded.
    let ground = Ground::ten(&backend, strategy(), "mean of two");
    assert_eq!(ground.cancel(1, seconds(1), 6).await, 4);
}

/// A hit is delayed from the law's own moment on, wherever the clock stands (L16).
async fn a_queue_behind_itself_delays_no_longer_than_its_size(backend: Backend) {
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

/// A hit recorded after the level was written is not in it.
async fn a_refund_finds_its_own_hit_only(backend: Backend) {
    let ground = Ground::ten(&backend, TokenBucket::new(), "later");
    ground.clock.advance(seconds(60));
    let reservation = ground.throttle.reserve(&ground.client, 5).await.unwrap();
    ground.clock.rewind(seconds(30));
    // 30 s behind its moment, more than a period: the state is taken over as a full one.
    let refused = ground.throttle.hit(&ground.client, 1).await.unwrap();
    assert_eq!((refused.admitted, refused.wait), (false, Some(seconds(1))));
    reservation.cancel().await.unwrap();
    assert_eq!(ground.remaining().await, 0);
}

/// The states are new, so they lack nothing of what was taken from the old ones.
async fn nothing_is_given_back_on_states_made_since_a_clear(backend: Backend) {
    async fn check(backend: &Backend, strategy: impl Strategy) {
        let ground = Ground::ten(backend, strategy, "cleared");
        let (throttle, client) = (&ground.throttle, &ground.client);
        let cancelled = throttle.reserve(client, 3).await.unwrap();
        let dropped = throttle.reserve(client, 3).await.unwrap();
        let settled = throttle.reserve(client, 3).await.unwrap();
        if let Err(error) = backend.clear().await {
            // Not every store of one's own can do that.
            return assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
        let anew = throttle.reserve(client, 10).await.unwrap();
        assert!(anew.decision().admitted, "{throttle:?}");
        cancelled.cancel().await.unwrap();
        drop(dropped);
        settled.settle(1).await.unwrap();
        assert_eq!(ground.remaining().await, 0, "{throttle:?}");
        // What was taken since is given back.
        anew.settle(6).await.unwrap();
        assert_eq!(ground.remaining().await, 4, "{throttle:?}");
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
    an_ended_window_adds_nothing_to_the_carry
    other_windows_are_unchanged_by_a_late_refund
    a_mean_refunds_what_the_rate_has_not_leaked
    a_queue_behind_itself_delays_no_longer_than_its_size
    a_refund_finds_its_own_hit_only
    nothing_is_given_back_on_states_made_since_a_clear
}
