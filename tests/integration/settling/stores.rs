//! Every store settles as the memory backend does, on the same traces with the caller's time.

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Strategy, Tiered, TimeOfDay, TokenBucket,
};
use traffik::{Backend, Decision, DynThrottle, Identity, ManualClock, Provenance};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisServer, midnight};

use crate::memcached::PATIENCE;

/// Returns a decision that does not tell where it was made.
const fn anywhere(mut decision: Decision) -> Decision {
    decision.provenance = Provenance::Memory;
    decision
}

/// A throttle on two backends with one clock.
struct Pair {
    uid: String,
    memory: DynThrottle,
    other: DynThrottle,
    clock: ManualClock,
}

impl Pair {
    fn new<S: Strategy>(other: &Backend, uid: &str, rates: &[&str], of: impl Fn() -> S) -> Self {
        let (memory, clock) = midnight();
        let throttle = |backend: Backend| {
            let mut throttle = DynThrottle::builder(uid).strategy(of()).backend(backend);
            for rate in rates {
                throttle = throttle.rate(rate.parse().unwrap());
            }
            throttle.build().unwrap()
        };
        Self {
            memory: throttle(memory),
            other: throttle(other.clone().clock(clock.clone())),
            uid: uid.to_owned(),
            clock,
        }
    }

    /// Reserves, lets time pass, and settles, driven by a deterministic generator.
    async fn agree(&self) {
        let client = Identity::new("user").tier("free");
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for step in 0..40 {
            let (cost, used) = (next(6), next(12));
            let one = self.memory.reserve(&client, cost).await.unwrap();
            let other = self.other.reserve(&client, cost).await.unwrap();
            let [own, others] = [&one, &other].map(|it| anywhere(*it.decision()));
            assert_eq!(own, others, "{} {step}", self.uid);
            self.clock.advance(Duration::from_millis(next(4_000)));
            if next(3) == 0 {
                let one = self.memory.hit(&client, 1).await.unwrap();
                let other = self.other.hit(&client, 1).await.unwrap();
                assert_eq!(anywhere(one), anywhere(other), "{} {step}", self.uid);
            }
            one.settle(used).await.unwrap();
            other.settle(used).await.unwrap();
            let one = self.memory.stat(&client).await.unwrap();
            let other = self.other.stat(&client).await.unwrap();
            assert_eq!(
                serde_json::to_value(&one).unwrap(),
                serde_json::to_value(&other).unwrap(),
                "{} {step}: {cost} reserved, {used} used",
                self.uid
            );
            assert!(
                used <= cost || one.hits_remaining < 20,
                "what goes beyond is charged"
            );
            if next(6) == 0 {
                self.clock.advance(Duration::from_secs(next(60)));
            }
        }
    }
}

async fn all_agree(other: Backend) {
    let (one, two) = (["10/10s"], ["10/10s", "30/minute"]);
    macro_rules! agree {
        ($($strategy:expr),+ $(,)?) => {$(
            for rates in [&one[..], &two] {
                let uid = format!("{} × {}", stringify!($strategy), rates.len());
                Pair::new(&other, &uid, rates, || $strategy).agree().await;
            }
        )+};
    }
    agree!(
        FixedWindow::new(),
        SlidingCounter::new(),
        SlidingLog::new(),
        TokenBucket::new().burst(15),
        LeakyBucket::new(),
        LeakyBucketWithQueue::new().queue_size(8),
        Gcra::new(),
        Tiered::new().tier("free", 1.0).default_tier("free"),
        TimeOfDay::new().window("00:00-24:00", 1.0),
        QuotaWithRollover::new().percent(50.0).max(5),
        Adaptive::new(),
        Priority::new(),
        CostBasedTokenBucket::new().burst(15),
    );
}

#[tokio::test]
async fn agrees_on_a_custom_store() {
    all_agree(Backend::custom(ExpiringStore::default())).await;
}

#[tokio::test]
async fn redis() {
    let server = RedisServer::start();
    let backend = Backend::redis(server.url()).timeout(PATIENCE);
    all_agree(backend.connect().await.unwrap()).await;
}

#[tokio::test]
async fn memcached() {
    let server = MemcachedServer::start();
    let backend = Backend::memcached(server.url()).timeout(PATIENCE);
    all_agree(backend.connect().await.unwrap()).await;
}
