//! Redis, whose script refunds leftovers, decides random hits as a custom store does, whose
//! leftovers the laws themselves refund.

use std::time::Duration;

use traffik::strategy::{
    Gcra, LeakyBucket, QuotaWithRollover, SlidingCounter, SlidingLog, Tiered, TimeOfDay,
    TokenBucket,
};
use traffik::{Backend, DynThrottleBuilder, ManualClock, Provenance, Rate};
use traffik_tests::{ExpiringStore, RedisServer};

use super::{LIFE, builder, client, process};
use crate::chance::Chance;

const STEPS: u64 = 300;

/// A strategy by name, and the settings of its throttle.
type Case = (&'static str, fn(DynThrottleBuilder) -> DynThrottleBuilder);

const CASES: [Case; 11] = [
    ("fixed_window", |it| it),
    ("sliding_log", |it| it.strategy(SlidingLog::new())),
    ("sliding_counter", |it| it.strategy(SlidingCounter::new())),
    ("token_bucket", |it| {
        it.strategy(TokenBucket::new().burst(300).debt(7))
    }),
    ("leaky_bucket", |it| it.strategy(LeakyBucket::new())),
    ("gcra", |it| {
        it.strategy(Gcra::new().burst_tolerance(Duration::from_millis(700)))
    }),
    ("tiered", |it| {
        it.strategy(Tiered::new().tier("free", 0.7).default_tier("free"))
    }),
    ("quota_with_rollover", |it| {
        it.strategy(QuotaWithRollover::new())
    }),
    ("time_of_day", |it| it.strategy(TimeOfDay::new())),
    ("two windows", |it| it.rate(Rate::per_minute(9_000))),
    ("two buckets", |it| {
        it.strategy(TokenBucket::new())
            .rate(Rate::per_minute(9_000))
    }),
];

#[tokio::test]
async fn agrees_on_random_hits_under_every_strategy() {
    let server = RedisServer::start();
    let mut random = Chance::new(11);
    for (name, strategy) in CASES {
        let clock = ManualClock::new();
        let custom = Backend::custom(ExpiringStore::default()).clock(clock.clone());
        let redis = process(&server, &clock).await;
        let throttles = [custom, redis].map(|backend| {
            let builder = builder(&format!("equivalence, {name}"), "400/2s", &backend);
            strategy(builder).build().unwrap()
        });
        let (mut leased, mut refused) = (0, 0);
        for step in 0..STEPS {
            // Shorter than the sweepers wait, which would refund at times of their own.
            clock.advance(Duration::from_micros(
                random.below(LIFE.as_micros() as u64 / 4),
            ));
            for _ in 0..=random.below(7) {
                let cost = 1 + random.below(3);
                let [expected, decided] = [
                    throttles[0].hit(&client(), cost).await.unwrap(),
                    throttles[1].hit(&client(), cost).await.unwrap(),
                ];
                leased += u64::from(decided.provenance == Provenance::Lease);
                refused += u64::from(!decided.admitted);
                // Redis returns a summary of a log.
                if name == "sliding_log" {
                    assert_eq!(decided.admitted, expected.admitted, "{name}, step {step}");
                } else {
                    let places = (decided.provenance, expected.provenance);
                    assert_eq!(places.0, places.1, "{name}, step {step}");
                    assert_eq!(decided, expected, "{name}, step {step}");
                }
            }
        }
        println!("{name}: {leased} leased, {refused} refused");
        assert!(leased > 100, "{name}: {leased}");
    }
}
