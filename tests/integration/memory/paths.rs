//! The paths that a decision can take: a hit is decided without a batch where that is enough, a
//! reservation always by a batch. Both decide alike.

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Strategy, Tiered, TokenBucket,
};
use traffik::{Backend, Decision, DynThrottle, Identity, ManualClock, Rate};

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Two throttles of one definition on two backends with one clock.
struct Pair {
    hit: DynThrottle,
    reserved: DynThrottle,
}

impl Pair {
    fn new(strategy: &(impl Strategy + Clone), rates: &[Rate], clock: &ManualClock) -> Self {
        let build = || {
            let builder = DynThrottle::builder("paths").strategy(strategy.clone());
            let builder = rates
                .iter()
                .fold(builder, |builder, rate| builder.rate(*rate));
            let backend = Backend::memory().clock(clock.clone());
            builder.backend(backend).build().expect("a throttle")
        };
        Self {
            hit: build(),
            reserved: build(),
        }
    }

    async fn decide(&self, client: &Identity, cost: u64) -> [Decision; 2] {
        let hit = self.hit.hit(client, cost).await.expect("a decision");
        let reserved = self.reserved.reserve(client, cost).await;
        [hit, reserved.expect("a decision").keep()]
    }
}

async fn compare(name: &str, strategy: &(impl Strategy + Clone), rates: &[Rate]) {
    let clock = ManualClock::at(Duration::from_secs(1_000_000));
    let pair = Pair::new(strategy, rates, &clock);
    let clients = [
        Identity::new("a")
            .priority(traffik::Priority::Critical)
            .tier("pro"),
        Identity::new("a").tier("free"),
        Identity::new("b"),
    ];
    let mut random = Random(7);
    let mut counts = [0, 0];
    for _ in 0..2_000 {
        clock.advance(Duration::from_micros(random.below(400_000)));
        if random.below(40) == 0 {
            clock.rewind(Duration::from_micros(random.below(3_000_000)));
        }
        let client = &clients[random.below(3) as usize];
        let cost = random.below(8);
        let [hit, reserved] = pair.decide(client, cost).await;
        assert_eq!(hit, reserved, "{name} {rates:?} {client:?} {cost}");
        counts[usize::from(hit.admitted)] += 1;
    }
    assert!(
        counts.iter().all(|count| *count > 100),
        "{name}: {counts:?}"
    );
}

#[tokio::test]
async fn hits_are_decided_as_reservations_are() {
    let (short, long) = (Rate::per_second(5), Rate::of(8).seconds(2));
    let (longest, tiers) = (
        Rate::of(30).seconds(7),
        Tiered::new()
            .tier("free", 1.0)
            .tier("pro", 3.0)
            .default_tier("free"),
    );
    for rates in [&[short][..], &[short, long], &[short, long, longest]] {
        compare("fixed window", &FixedWindow::new(), rates).await;
        compare("sliding counter", &SlidingCounter::new(), rates).await;
        compare("token bucket", &TokenBucket::new(), rates).await;
        compare("gcra", &Gcra::new(), rates).await;
        compare("queue", &LeakyBucketWithQueue::new().queue_size(7), rates).await;
        compare("rollover", &QuotaWithRollover::new(), rates).await;
        compare("adaptive", &Adaptive::new(), rates).await;
        compare("sliding log", &SlidingLog::new(), rates).await;
        compare("cost based", &CostBasedTokenBucket::new(), rates).await;
        compare("priority", &Priority::new(), rates).await;
        compare("tiered", &tiers, rates).await;
    }
}
