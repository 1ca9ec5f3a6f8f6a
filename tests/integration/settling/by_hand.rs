//! What settling leaves, worked out by hand.

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, QuotaWithRollover,
    SlidingCounter, SlidingLog, Strategy, TokenBucket,
};
use traffik::{DynThrottle, Identity, ManualClock, Reservation};
use traffik_tests::midnight;

struct Ground {
    throttle: DynThrottle,
    client: Identity,
    clock: ManualClock,
}

impl Ground {
    /// Ten in ten seconds.
    fn ten(strategy: impl Strategy) -> Self {
        let (backend, clock) = midnight();
        let throttle = DynThrottle::builder("settled").rate("10/10s".parse().unwrap());
        let throttle = throttle.strategy(strategy).backend(backend);
        Self {
            throttle: throttle.build().unwrap(),
            client: Identity::new("user"),
            clock,
        }
    }

    async fn hit(&self, cost: u64) {
        let decision = self.throttle.hit(&self.client, cost).await.unwrap();
        assert!(decision.admitted, "{decision:?}");
    }

    async fn reserve(&self, cost: u64) -> Reservation {
        self.throttle.reserve(&self.client, cost).await.unwrap()
    }

    /// Reserves so much, and settles another amount so many seconds later.
    async fn settle(&self, reserved: u64, seconds: u64, used: u64) {
        let reservation = self.reserve(reserved).await;
        assert!(reservation.decision().admitted);
        assert_eq!(reservation.reserved(), reserved);
        self.clock.advance(Duration::from_secs(seconds));
        reservation.settle(used).await.unwrap();
    }

    async fn remaining(&self) -> u64 {
        let stat = self.throttle.stat(&self.client).await.unwrap();
        assert_eq!(stat.hits_remaining >= 1, stat.wait == Some(Duration::ZERO));
        stat.hits_remaining
    }

    async fn wait(&self, cost: u64) -> Option<Duration> {
        let decision = self.throttle.hit(&self.client, cost).await.unwrap();
        assert!(!decision.admitted, "{decision:?}");
        decision.wait
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn less_than_was_reserved_in_the_same_window() {
    for ground in [
        Ground::ten(FixedWindow::new()),
        Ground::ten(SlidingCounter::new()),
        Ground::ten(SlidingLog::new()),
        Ground::ten(QuotaWithRollover::new().percent(0.0).max(0)),
    ] {
        ground.settle(10, 4, 3).await;
        assert_eq!(ground.remaining().await, 7, "{:?}", ground.throttle);
    }
}

#[tokio::test]
async fn a_window_that_is_over_gets_nothing_back() {
    let ground = Ground::ten(FixedWindow::new());
    let reservation = ground.reserve(10).await;
    ground.clock.advance(seconds(10));
    ground.hit(4).await;
    reservation.cancel().await.unwrap();
    assert_eq!(ground.remaining().await, 6);
}

#[tokio::test]
async fn the_previous_window_of_a_counter_gets_it_back() {
    let ground = Ground::ten(SlidingCounter::new());
    ground.settle(10, 15, 4).await;
    // Half of the previous window is still in sight: 2 of its 4.
    assert_eq!(ground.remaining().await, 8);
    let ground = Ground::ten(SlidingCounter::new());
    let reservation = ground.reserve(6).await;
    ground.clock.advance(seconds(15));
    ground.hit(5).await;
    reservation.settle(2).await.unwrap();
    assert_eq!(ground.remaining().await, 4);
}

#[tokio::test]
async fn a_log_gives_back_its_own_entry() {
    let ground = Ground::ten(SlidingLog::new());
    ground.hit(1).await;
    ground.clock.advance(seconds(1));
    let reservation = ground.reserve(5).await;
    ground.clock.advance(seconds(1));
    ground.hit(4).await;
    reservation.settle(2).await.unwrap();
    assert_eq!(ground.remaining().await, 3);
    assert_eq!(ground.wait(4).await, Some(seconds(8)));
    assert_eq!(ground.wait(5).await, Some(seconds(9)));
    assert_eq!(ground.wait(7).await, Some(seconds(10)));
    // All of what is left may be given back, too.
    let ground = Ground::ten(SlidingLog::new());
    ground.settle(10, 3, 0).await;
    assert_eq!(ground.remaining().await, 10);
    ground.hit(10).await;
}

#[tokio::test]
async fn what_has_leaked_is_not_given_back_again() {
    for ground in [
        Ground::ten(TokenBucket::new()),
        Ground::ten(LeakyBucket::new()),
        Ground::ten(CostBasedTokenBucket::new().min_refill(1.0)),
    ] {
        // A level of 10, 3 of it leaked; of the 8 that were not needed those 3 have come back
        // already.
        ground.settle(10, 3, 2).await;
        assert_eq!(ground.remaining().await, 8, "{:?}", ground.throttle);
        assert_eq!(ground.wait(10).await, Some(seconds(2)));
    }
    let ground = Ground::ten(TokenBucket::new());
    ground.settle(4, 6, 3).await;
    assert_eq!(ground.remaining().await, 10);
}

#[tokio::test]
async fn gcra_gives_back_time() {
    let ground = Ground::ten(Gcra::new());
    ground.settle(10, 0, 4).await;
    assert_eq!(ground.wait(1).await, Some(seconds(4)));
}

#[tokio::test]
async fn more_than_was_reserved_is_charged_beyond_the_limit() {
    let ground = Ground::ten(FixedWindow::new());
    ground.settle(5, 1, 25).await;
    assert_eq!(ground.remaining().await, 0);
    assert_eq!(ground.wait(1).await, Some(seconds(9)));
    let ground = Ground::ten(TokenBucket::new());
    ground.settle(5, 0, 25).await;
    assert_eq!(ground.remaining().await, 0);
    assert_eq!(ground.wait(1).await, Some(seconds(16)));
    assert_eq!(ground.wait(10).await, Some(seconds(25)));
    let ground = Ground::ten(SlidingLog::new());
    ground.settle(5, 2, 25).await;
    assert_eq!(ground.wait(1).await, Some(seconds(10)));
    let ground = Ground::ten(SlidingCounter::new());
    ground.settle(5, 0, 30).await;
    // 30 in the window before leave room for 1 when less than 9 of them are in sight, 3 tenths of a
    // window.
    assert_eq!(ground.wait(1).await, Some(seconds(17)));
    let ground = Ground::ten(QuotaWithRollover::new().percent(100.0).max(10));
    ground.settle(15, 0, 22).await;
    assert_eq!(ground.remaining().await, 0);
    ground.clock.advance(seconds(10));
    assert_eq!(ground.remaining().await, 10);
}

#[tokio::test]
async fn a_cut_stays() {
    let ground = Ground::ten(Adaptive::new().reduction(0.5));
    ground.settle(10, 0, 0).await;
    let stat = ground.throttle.stat(&ground.client).await.unwrap();
    assert_eq!(stat.hits_remaining, 5);
}

#[tokio::test]
async fn numbers_beyond_all_measure() {
    for ground in [
        Ground::ten(FixedWindow::new()),
        Ground::ten(SlidingCounter::new()),
        Ground::ten(SlidingLog::new()),
        Ground::ten(TokenBucket::new()),
        Ground::ten(CostBasedTokenBucket::new()),
        Ground::ten(Gcra::new()),
        Ground::ten(Adaptive::new()),
        Ground::ten(QuotaWithRollover::new().percent(50.0).max(5)),
    ] {
        for _ in 0..3 {
            let reservation = ground.reserve(0).await;
            reservation.settle(u64::MAX).await.unwrap();
        }
        assert_eq!(ground.remaining().await, 0, "{:?}", ground.throttle);
        assert!(ground.wait(1).await.unwrap() > Duration::ZERO);
    }
}

/// A clock that is behind: the hit was recorded at the state's own moment (L4), and is found there.
#[tokio::test]
async fn behind_the_clock() {
    for ground in [
        Ground::ten(FixedWindow::new()),
        Ground::ten(SlidingLog::new()),
        Ground::ten(TokenBucket::new()),
    ] {
        ground.clock.advance(seconds(60));
        ground.hit(2).await;
        ground.clock.rewind(seconds(9));
        ground.settle(8, 0, 3).await;
        assert_eq!(ground.remaining().await, 5, "{:?}", ground.throttle);
    }
}

#[tokio::test]
async fn to_keep_it_pays_what_was_reserved() {
    let ground = Ground::ten(FixedWindow::new());
    let reservation = ground.reserve(6).await;
    assert_eq!(reservation.keep().remaining, 4);
    assert_eq!(ground.remaining().await, 4);
    // A refusal holds nothing.
    let refused = ground.reserve(5).await;
    assert!(!refused.decision().admitted);
    drop(refused);
    assert_eq!(ground.remaining().await, 4);
}
