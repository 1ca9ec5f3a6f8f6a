//! Settlements under every law, with results calculated by hand.

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, QuotaWithRollover,
    SlidingCounter, SlidingLog, Strategy, TokenBucket,
};
use traffik::{DynThrottle, Identity, ManualClock, Reservation};
use traffik_tests::midnight;

struct Setup {
    throttle: DynThrottle,
    client: Identity,
    clock: ManualClock,
}

impl Setup {
    /// Builds a throttle of ten in ten seconds.
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

    /// Reserves units, and settles another amount this many seconds later.
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
async fn refunds_within_the_window() {
    for setup in [
        Setup::ten(FixedWindow::new()),
        Setup::ten(SlidingCounter::new()),
        Setup::ten(SlidingLog::new()),
        Setup::ten(QuotaWithRollover::new().percent(0.0).max(0)),
    ] {
        setup.settle(10, 4, 3).await;
        assert_eq!(setup.remaining().await, 7, "{:?}", setup.throttle);
    }
}

#[tokio::test]
async fn does_not_refund_an_ended_window() {
    let setup = Setup::ten(FixedWindow::new());
    let reservation = setup.reserve(10).await;
    setup.clock.advance(seconds(10));
    setup.hit(4).await;
    reservation.cancel().await.unwrap();
    assert_eq!(setup.remaining().await, 6);
}

#[tokio::test]
async fn refunds_the_previous_window_of_a_sliding_counter() {
    let setup = Setup::ten(SlidingCounter::new());
    setup.settle(10, 15, 4).await;
    // Half of the previous window still counts: 2 of its 4.
    assert_eq!(setup.remaining().await, 8);
    let setup = Setup::ten(SlidingCounter::new());
    let reservation = setup.reserve(6).await;
    setup.clock.advance(seconds(15));
    setup.hit(5).await;
    reservation.settle(2).await.unwrap();
    assert_eq!(setup.remaining().await, 4);
}

#[tokio::test]
async fn refunds_the_entry_of_a_log() {
    let setup = Setup::ten(SlidingLog::new());
    setup.hit(1).await;
    setup.clock.advance(seconds(1));
    let reservation = setup.reserve(5).await;
    setup.clock.advance(seconds(1));
    setup.hit(4).await;
    reservation.settle(2).await.unwrap();
    assert_eq!(setup.remaining().await, 3);
    assert_eq!(setup.wait(4).await, Some(seconds(8)));
    assert_eq!(setup.wait(5).await, Some(seconds(9)));
    assert_eq!(setup.wait(7).await, Some(seconds(10)));
    // The whole entry may be refunded too.
    let setup = Setup::ten(SlidingLog::new());
    setup.settle(10, 3, 0).await;
    assert_eq!(setup.remaining().await, 10);
    setup.hit(10).await;
}

#[tokio::test]
async fn does_not_refund_leaked_units() {
    for setup in [
        Setup::ten(TokenBucket::new()),
        Setup::ten(LeakyBucket::new()),
        Setup::ten(CostBasedTokenBucket::new().min_refill(1.0)),
    ] {
        // A level of 10, of which 3 have leaked; of the 8 that were not needed those 3 have been
        // refilled already.
        setup.settle(10, 3, 2).await;
        assert_eq!(setup.remaining().await, 8, "{:?}", setup.throttle);
        assert_eq!(setup.wait(10).await, Some(seconds(2)));
    }
    let setup = Setup::ten(TokenBucket::new());
    setup.settle(4, 6, 3).await;
    assert_eq!(setup.remaining().await, 10);
}

#[tokio::test]
async fn refunds_time_under_gcra() {
    let setup = Setup::ten(Gcra::new());
    setup.settle(10, 0, 4).await;
    assert_eq!(setup.wait(1).await, Some(seconds(4)));
}

#[tokio::test]
async fn charges_more_than_was_reserved_beyond_the_limit() {
    let setup = Setup::ten(FixedWindow::new());
    setup.settle(5, 1, 25).await;
    assert_eq!(setup.remaining().await, 0);
    assert_eq!(setup.wait(1).await, Some(seconds(9)));
    let setup = Setup::ten(TokenBucket::new());
    setup.settle(5, 0, 25).await;
    assert_eq!(setup.remaining().await, 0);
    assert_eq!(setup.wait(1).await, Some(seconds(16)));
    assert_eq!(setup.wait(10).await, Some(seconds(25)));
    let setup = Setup::ten(SlidingLog::new());
    setup.settle(5, 2, 25).await;
    assert_eq!(setup.wait(1).await, Some(seconds(10)));
    let setup = Setup::ten(SlidingCounter::new());
    setup.settle(5, 0, 30).await;
    // 30 in the previous window leave room for 1 when less than 9 of them count, 3 tenths of a
    // window.
    assert_eq!(setup.wait(1).await, Some(seconds(17)));
    let setup = Setup::ten(QuotaWithRollover::new().percent(100.0).max(10));
    setup.settle(15, 0, 22).await;
    assert_eq!(setup.remaining().await, 0);
    setup.clock.advance(seconds(10));
    assert_eq!(setup.remaining().await, 10);
}

#[tokio::test]
async fn keeps_a_cut() {
    let setup = Setup::ten(Adaptive::new().reduction(0.5));
    setup.settle(10, 0, 0).await;
    let stat = setup.throttle.stat(&setup.client).await.unwrap();
    assert_eq!(stat.hits_remaining, 5);
}

#[tokio::test]
async fn saturates_on_huge_numbers() {
    for setup in [
        Setup::ten(FixedWindow::new()),
        Setup::ten(SlidingCounter::new()),
        Setup::ten(SlidingLog::new()),
        Setup::ten(TokenBucket::new()),
        Setup::ten(CostBasedTokenBucket::new()),
        Setup::ten(Gcra::new()),
        Setup::ten(Adaptive::new()),
        Setup::ten(QuotaWithRollover::new().percent(50.0).max(5)),
    ] {
        for _ in 0..3 {
            let reservation = setup.reserve(0).await;
            reservation.settle(u64::MAX).await.unwrap();
        }
        assert_eq!(setup.remaining().await, 0, "{:?}", setup.throttle);
        assert!(setup.wait(1).await.unwrap() > Duration::ZERO);
    }
}

/// The clock is behind the state: the hit was recorded at the state's own moment (L4), where the
/// refund finds it.
#[tokio::test]
async fn refunds_when_the_clock_steps_back() {
    for setup in [
        Setup::ten(FixedWindow::new()),
        Setup::ten(SlidingLog::new()),
        Setup::ten(TokenBucket::new()),
    ] {
        setup.clock.advance(seconds(60));
        setup.hit(2).await;
        setup.clock.rewind(seconds(9));
        setup.settle(8, 0, 3).await;
        assert_eq!(setup.remaining().await, 5, "{:?}", setup.throttle);
    }
}

#[tokio::test]
async fn charges_the_reservation_on_commit() {
    let setup = Setup::ten(FixedWindow::new());
    let reservation = setup.reserve(6).await;
    assert_eq!(reservation.keep().remaining, 4);
    assert_eq!(setup.remaining().await, 4);
    // A refused reservation reserves nothing.
    let refused = setup.reserve(5).await;
    assert!(!refused.decision().admitted);
    drop(refused);
    assert_eq!(setup.remaining().await, 4);
}
