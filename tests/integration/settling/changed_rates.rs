//! What was reserved under one rate, settled when another holds: never more comes back than had it
//! cost less (L30, L32).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use traffik::strategy::{CostBasedTokenBucket, FixedWindow, SlidingCounter, Strategy, TokenBucket};
use traffik::{Backend, DynThrottle, Identity, ManualClock, Rate, Reservation, registry};
use traffik_tests::{ExpiringStore, midnight};

struct Ground {
    throttle: DynThrottle,
    uid: String,
    clock: ManualClock,
}

impl Ground {
    fn on(backend: Backend, clock: ManualClock, rate: &str, strategy: impl Strategy) -> Self {
        // A rate is changed for all throttles of a uid, so each has one of its own.
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
async fn a_list_keeps_what_it_has_counted_since() {
    for used in [0, 1, 6] {
        for ground in Ground::each("10/minute", &FixedWindow::new()) {
            let reserved = ground.reserve(5).await;
            ground.set(&["20/minute", "8/hour"]);
            ground.hit(5).await;
            reserved.settle(used).await.unwrap();
            ground.clock.advance(MINUTE);
            let more = used.saturating_sub(5);
            assert_eq!(ground.remaining().await, 3 - more, "{}: {used}", ground.uid);
        }
    }
}

/// A member that has counted nothing yet does not keep the others' counts from being read.
#[tokio::test]
async fn a_list_without_hits_keeps_what_was_counted_before() {
    for ground in Ground::each("10/2m", &FixedWindow::new()) {
        let reserved = ground.reserve(5).await;
        ground.hit(4).await;
        ground.set(&["20/2m", "100/hour"]);
        reserved.cancel().await.unwrap();
        assert_eq!(ground.remaining().await, 16, "{}", ground.uid);
    }
}

#[tokio::test]
async fn a_longer_period_keeps_what_it_has_counted_since() {
    for ground in Ground::each("10/minute", &SlidingCounter::new()) {
        let reserved = ground.reserve(5).await;
        ground.clock.advance(MINUTE * 3);
        ground.set(&["8/hour"]);
        ground.hit(5).await;
        reserved.cancel().await.unwrap();
        assert_eq!(ground.remaining().await, 3, "{}", ground.uid);
    }
}

#[tokio::test]
async fn what_leaked_faster_before_is_gone() {
    for ground in Ground::each("100/10s", &TokenBucket::new()) {
        let reserved = ground.reserve(50).await;
        ground.clock.advance(Duration::from_secs(5));
        ground.hit(1).await;
        ground.set(&["10/10s"]);
        ground.hit(1).await;
        reserved.cancel().await.unwrap();
        assert_eq!(ground.remaining().await, 8, "{}", ground.uid);
    }
}

/// L4: what had leaked at the last tick does not come back where the clock has stepped behind it.
#[tokio::test]
async fn behind_the_last_tick() {
    async fn holds(strategy: impl Strategy + Clone) {
        for ground in Ground::each("10/10s", &strategy) {
            let start = ground.clock.now();
            let reserved = ground.reserve(1).await;
            ground.clock.advance(Duration::from_secs(1));
            ground.hit(1).await;
            ground.clock.set(start);
            reserved.cancel().await.unwrap();
            assert_eq!(ground.remaining().await, 9, "{}", ground.uid);
        }
    }
    holds(TokenBucket::new()).await;
    holds(CostBasedTokenBucket::new()).await;
}
