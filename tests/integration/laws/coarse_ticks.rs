//! Ticks above a microsecond: laws round the clock down to the tick, and waits count from the clock
//! itself (L3).

use proptest::prelude::{Just, Strategy, prop_oneof, proptest};
use traffik::Rate;
use traffik::strategy::{
    self, CostBasedTokenBucket, Gcra, LeakyBucket, LeakyBucketWithQueue, SlidingLog, TokenBucket,
};

use super::agreement::agrees;
use super::client::{Client, micros, wait};
use super::oracle::{Law, Terms};
use super::trace::{
    cases, cost_based, gcras, leaky_buckets, queues, starts, steps, steps_back_and_forth,
    token_buckets,
};

/// With 10^9 µs the product exceeds 2^53, and a tenth of it does not: the tick is 10 µs, of which a
/// unit takes 9.99998.
const RATE: &str = "10000019/1000s";
const LIMIT: u64 = 10_000_019;

/// Asserts that a meter that is full since 3 µs into a tick has room for a unit at the tick after
/// the next nine.
fn a_unit_in_ten_ticks(strategy: impl strategy::Strategy, full: u64) {
    let name = format!("{strategy:?}");
    let client = Client::of(strategy, RATE);
    assert!(client.at(3).admits(full), "{name}");
    let refused = client.at(7).hit(1);
    assert_eq!(
        (refused.admitted, refused.wait),
        (false, wait(93)),
        "{name}"
    );
    assert_eq!(refused.next, wait(93), "{name}");
    assert_eq!(client.at(99).hit(1).wait, wait(1), "{name}");
    assert!(client.at(100).admits(1) && !client.admits(1), "{name}");
    assert_eq!(client.at(101).hit(1).wait, wait(99), "{name}");
    assert!(client.at(200).admits(1) && !client.admits(1), "{name}");
}

#[test]
fn reports_exact_waits_of_meters() {
    a_unit_in_ten_ticks(TokenBucket::new(), LIMIT);
    a_unit_in_ten_ticks(LeakyBucket::new(), LIMIT);
    a_unit_in_ten_ticks(LeakyBucketWithQueue::new(), LIMIT);
    a_unit_in_ten_ticks(Gcra::new(), 1);
}

/// A delay counts from the clock itself too (L16).
#[test]
fn reports_exact_delays() {
    let client = Client::of(LeakyBucketWithQueue::new(), RATE);
    assert_eq!(client.at(3).hit(LIMIT - 1).delay, micros(0));
    assert_eq!(client.at(7).hit(1).delay, micros(1_000_000_000 - 90 - 7));
}

/// A level in thousandths needs a tick of 10 ms; one hit of the whole limit halves the refill.
#[test]
fn reports_exact_waits_of_a_mean() {
    let client = Client::of(CostBasedTokenBucket::new(), RATE);
    assert!(client.at(3).admits(LIMIT));
    assert_eq!(client.at(7).hit(50).wait, wait(9_993));
    assert_eq!(client.at(9_999).remaining(), 0);
    assert_eq!(client.at(10_000).remaining(), 50);
    assert!(client.at(10_001).admits(50) && !client.admits(1));
}

/// Logs and windows have no large numbers: their tick stays a microsecond.
#[test]
fn reports_exact_waits_of_a_log() {
    let client = Client::of(SlidingLog::new(), RATE);
    assert!(client.at(3).admits(LIMIT));
    assert_eq!(client.at(7).hit(1).wait, wait(999_999_996));
}

/// Generates laws that count in ticks above a microsecond.
fn coarse() -> impl Strategy<Value = (Rate, Law)> {
    let rates = (1_000_003_u64..1 << 32, 10_u64..=86_400);
    let rates = rates.prop_map(|(limit, seconds)| Rate::new(limit, micros(seconds * 1_000_000)));
    let of = rates.prop_flat_map(|rate| {
        let law = prop_oneof![
            Just(Law::SlidingCounter),
            token_buckets(rate),
            gcras(rate),
            leaky_buckets(rate),
            queues(rate),
            cost_based(rate),
        ];
        (Just(rate), law)
    });
    of.prop_filter("a tick of a microsecond, or none", |(rate, law)| {
        Terms::new(*law, *rate).tick().is_some_and(|tick| tick > 1)
    })
}

proptest! {
    #![proptest_config(cases(50))]

    #[test]
    fn agrees_with_the_oracle(of in coarse(), start in starts(), steps in steps()) {
        agrees(of, start, &steps)?;
    }

    #[test]
    fn agrees_when_the_clock_steps_back(
        of in coarse(),
        start in starts(),
        steps in steps_back_and_forth(),
    ) {
        agrees(of, start, &steps)?;
    }
}
