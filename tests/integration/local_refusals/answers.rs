//! The answers of local refusals equal those of the store, in every field, under every law.

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Tiered, TimeOfDay, TokenBucket,
};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity, ManualClock, Provenance, Rate};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisServer};

/// A law, the builder of its throttle, and `true` if it is one that is refused locally.
type Case = (
    &'static str,
    fn(DynThrottleBuilder) -> DynThrottleBuilder,
    bool,
);

const CASES: [Case; 15] = [
    ("fixed window", |it| it.strategy(FixedWindow::new()), true),
    (
        "sliding counter",
        |it| it.strategy(SlidingCounter::new()),
        true,
    ),
    ("sliding log", |it| it.strategy(SlidingLog::new()), true),
    (
        "token bucket",
        |it| it.strategy(TokenBucket::new().burst(12).debt(3)),
        true,
    ),
    (
        "leaky bucket",
        |it| it.strategy(LeakyBucket::new().capacity(6)),
        true,
    ),
    (
        "queue",
        |it| it.strategy(LeakyBucketWithQueue::new().queue_size(7)),
        true,
    ),
    (
        "gcra",
        |it| it.strategy(Gcra::new().burst_tolerance(Duration::from_millis(300))),
        true,
    ),
    (
        "tiered",
        |it| {
            it.strategy(
                Tiered::new()
                    .tier("free", 1.0)
                    .tier("paid", 2.0)
                    .default_tier("free"),
            )
        },
        true,
    ),
    ("adaptive", |it| it.strategy(Adaptive::new()), true),
    (
        "adaptive with load",
        |it| it.strategy(Adaptive::new().load(|| 0.9)),
        false,
    ),
    ("priority", |it| it.strategy(Priority::new()), true),
    (
        "rollover",
        |it| it.strategy(QuotaWithRollover::new().percent(50.0).max(4)),
        true,
    ),
    (
        "time of day",
        |it| it.strategy(TimeOfDay::new().window("00:00-12:00", 0.5)),
        true,
    ),
    (
        "cost based",
        |it| it.strategy(CostBasedTokenBucket::new()),
        false,
    ),
    ("two rates", |it| it.rate(Rate::per_second(7)), true),
];

/// A generator of numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn build(case: &Case, backend: &Backend, store: &str) -> DynThrottle {
    let builder = DynThrottle::builder(format!("answers: {} on {store}", case.0));
    let builder = builder.rate("10/2s".parse().unwrap());
    (case.1)(builder).backend(backend.clone()).build().unwrap()
}

/// Follows a random trace on two stores, of which one is called for every hit, and compares all
/// decisions.
async fn compare(pair: [Backend; 2], name: &str) {
    for case in &CASES {
        let clock = ManualClock::new();
        let [local, off] = pair.clone().map(|backend| backend.clock(clock.clone()));
        let off = off.local_refusals(Duration::ZERO);
        let [local, off] = [(local, "local"), (off, "off")]
            .map(|(backend, side)| build(case, &backend, &format!("{name} {side}")));
        let (mut numbers, mut refused_locally) = (Numbers(7), 0);
        for step in 0..400 {
            let gap = match numbers.below(8) {
                0..=3 => 0,
                4 | 5 => numbers.below(1_000),
                6 => numbers.below(300_000),
                _ => numbers.below(2_500_000),
            };
            clock.advance(Duration::from_micros(gap));
            let cost = [1, 1, 1, 2, 3, 9, 25, 0][numbers.below(8) as usize];
            let client = Identity::new(["one", "two"][numbers.below(2) as usize]);
            let client = match numbers.below(4) {
                0 => client.tier("paid").priority(traffik::Priority::High),
                1 => client.tier("free").priority(traffik::Priority::Low),
                _ => client,
            };
            let mut decision = local.hit(&client, cost).await.unwrap();
            let expected = off.hit(&client, cost).await.unwrap();
            assert_eq!(expected.provenance, Provenance::Store);
            refused_locally += u32::from(decision.provenance == Provenance::LocalRefusal);
            decision.provenance = Provenance::Store;
            assert_eq!(decision, expected, "{}, step {step} on {name}", case.0);
        }
        assert_eq!(refused_locally > 5, case.2, "{}: {refused_locally}", case.0);
    }
}

#[tokio::test]
async fn equal_those_of_a_custom_store() {
    let pair = [(); 2].map(|()| Backend::custom(ExpiringStore::default()));
    compare(pair, "custom").await;
}

#[tokio::test]
async fn equal_those_of_redis() {
    let server = RedisServer::start();
    let backend = async |namespace| {
        let backend = Backend::redis(server.url()).namespace(namespace);
        backend
            .timeout(Duration::from_secs(5))
            .connect()
            .await
            .unwrap()
    };
    compare([backend("one").await, backend("other").await], "redis").await;
}

#[tokio::test]
async fn equal_those_of_memcached() {
    let server = MemcachedServer::start();
    let backend = async |namespace| {
        let backend = Backend::memcached(server.url()).namespace(namespace);
        backend
            .timeout(Duration::from_secs(5))
            .connect()
            .await
            .unwrap()
    };
    compare([backend("one").await, backend("other").await], "memcached").await;
}
