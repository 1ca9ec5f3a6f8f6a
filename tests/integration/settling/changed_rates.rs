//! Reservations under one rate that are settled under another: a refund never exceeds the
//! difference to a smaller hit (L30, L32).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use traffik::strategy::{CostBasedTokenBucket, FixedWindow, SlidingCounter, Strategy, TokenBucket};
use traffik::{Backend, DynThrottle, Identity, ManualClock, Rate, Reservation, registry};
use traffik_tests::{ExpiringStore, midnight};

struct Setup {
    throttle: DynThrottle,
    uid: String,
    clock: ManualClock,
}

impl Setup {
    fn on(backend: Backend, clock: ManualClock, rate: &str, strategy: impl Strategy) -> Self {
        // A rate is changed for all throttles of a uid, so each has its own.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let uid = format!("changed {rate} {}", NEXT.fetch_add(1, Ordering::Relaxed));
        let throttle = DynThrottle::builder(&uid).rate(rate.parse().unwrap());
        let throttle = throttle.strategy(strategy).backend(backend);
        Self {
            throttle: throttle.build().unwrap(),
            uid,
            clock,
        }
    }

    fn each(rate: &str, strategy: &(impl Strategy + Clone)) -> [Self; 2] {
        let (memory, clock) = midnight();
        let own = Backend::custom(ExpiringStore::default()).clock(clock.clone());
        [memory, own].map(|it| Self::on(it, clock.clone(), rate, strategy.clone()))
    }

    fn set(&self, rates: &[&str]) {
        let rates: Vec<Rate> = rates.iter().map(|rate| rate.parse().unwrap()).collect();
        registry().set_rate(&self.uid, rates).unwrap();
    }

    async fn reserve(&self, cost: u64) -> Reservation {
        let reserved = self.throttle.reserve(&Identity::everyone(), cost).await;
        reserved.unwrap()
    }

    async fn hit(&self, cost: u64) {
        let decision = self.throttle.hit(&Identity::everyone(), cost).await;
        assert!(decision.unwrap().admitted);
    }

    async fn remaining(&self) -> u64 {
        let stat = self.throttle.stat(&Identity::everyone()).await.unwrap();
        stat.hits_remaining
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn keeps_later_counts_of_a_list() {
    for used in [0, 1, 6] {
        for setup in Setup::each("10/minute", &FixedWindow::new()) {
            let reserved = setup.reserve(5).await;
            setup.set(&["20/minute", "8/hour"]);
            setup.hit(5).await;
            reserved.settle(used).await.unwrap();
            setup.clock.advance(MINUTE);
            let more = used.saturating_sub(5);
            assert_eq!(setup.remaining().await, 3 - more, "{}: {used}", setup.uid);
        }
    }
}

/// A member without counts does not hide the counts of the others.
#[tokio::test]
async fn keeps_earlier_counts_of_a_list_without_hits() {
    for setup in Setup::each("10/2m", &FixedWindow::new()) {
        let reserved = setup.reserve(5).await;
        setup.hit(4).await;
        setup.set(&["20/2m", "100/hour"]);
        reserved.cancel().await.unwrap();
        assert_eq!(setup.remaining().await, 16, "{}", setup.uid);
    }
}

#[tokio::test]
async fn keeps_later_counts_of_a_longer_period() {
    for setup in Setup::each("10/minute", &SlidingCounter::new()) {
        let reserved = setup.reserve(5).await;
        setup.clock.advance(MINUTE * 3);
        setup.set(&["8/hour"]);
        setup.hit(5).await;
        reserved.cancel().await.unwrap();
        assert_eq!(setup.remaining().await, 3, "{}", setup.uid);
    }
}

#[tokio::test]
async fn does_not_refund_units_that_leaked_faster() {
    for setup in Setup::each("100/10s", &TokenBucket::new()) {
        let reserved = setup.reserve(50).await;
        setup.clock.advance(Duration::from_secs(5));
        setup.hit(1).await;
        setup.set(&["10/10s"]);
        setup.hit(1).await;
        reserved.cancel().await.unwrap();
        assert_eq!(setup.remaining().await, 8, "{}", setup.uid);
    }
}

/// Units that had leaked at the last tick are not refunded after the clock stepped back behind it
/// (L4).
#[tokio::test]
async fn does_not_refund_leaked_units_when_the_clock_steps_back() {
    async fn holds(strategy: impl Strategy + Clone) {
        for setup in Setup::each("10/10s", &strategy) {
            let start = setup.clock.now();
            let reserved = setup.reserve(1).await;
            setup.clock.advance(Duration::from_secs(1));
            setup.hit(1).await;
            setup.clock.set(start);
            reserved.cancel().await.unwrap();
            assert_eq!(setup.remaining().await, 9, "{}", setup.uid);
        }
    }
    holds(TokenBucket::new()).await;
    holds(CostBasedTokenBucket::new()).await;
}
