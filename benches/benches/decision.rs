//! One decision in memory, beside `governor` 0.10 keyed by `String` (`DashMap`, its defaults), on
//! the same keys.

use std::hint::black_box;
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use traffik::strategy::{
    Adaptive, FixedWindow, Gcra, LeakyBucket, QuotaWithRollover, SlidingCounter, Strategy,
    TimeOfDay, TokenBucket,
};
use traffik::{Backend, DynThrottle, Identity, Rate};
use traffik_benches::{amount, compare, ready, table};

const KEYS: usize = 100_000;
const CALLS: usize = 400_000;
/// The length of a list of keys before it repeats; a power of two.
const PICKS: usize = 1 << 20;

fn main() {
    let (count, calls) = (amount(KEYS, 100), amount(CALLS, 100));
    let keys: Vec<String> = (0..count).map(|key| format!("user:{key:08}")).collect();
    let identities: Vec<Identity> = keys.iter().map(|key| Identity::new(key.as_str())).collect();
    let order = Order::new(count);

    let beside = |title: &str, ours: &DynThrottle, peer: &DefaultKeyedRateLimiter<String>| {
        table(title, "governor");
        for (workload, threads, pick) in order.workloads() {
            let hit = |call: usize| {
                let client = &identities[pick[call & (pick.len() - 1)]];
                black_box(ready(ours.hit(client, 1)).is_ok_and(|decision| decision.admitted));
            };
            let check = |call: usize| {
                let key = &keys[pick[call & (pick.len() - 1)]];
                black_box(peer.check_key(key).is_ok());
            };
            compare(workload, threads, calls, &hit, &check);
        }
    };
    let number = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    beside(
        "An admitted hit, fixed window",
        &throttle(FixedWindow::new(), Rate::per_hour(u32::MAX.into())),
        &governor(Quota::per_second(number(1_000_000_000))),
    );
    beside(
        "A refused hit, fixed window",
        &throttle(FixedWindow::new(), Rate::per_day(1)),
        &governor(Quota::per_hour(number(1))),
    );

    table(
        "An admitted hit on a hot key, every strategy",
        "fixed window",
    );
    let rate = Rate::per_second(1_000_000_000);
    let fixed = throttle(FixedWindow::new(), rate);
    let others = [
        ("sliding_counter", throttle(SlidingCounter::new(), rate)),
        ("token_bucket", throttle(TokenBucket::new(), rate)),
        ("leaky_bucket", throttle(LeakyBucket::new(), rate)),
        (
            "quota_with_rollover",
            throttle(QuotaWithRollover::new(), rate),
        ),
        ("adaptive", throttle(Adaptive::new(), rate)),
        ("time_of_day", throttle(TimeOfDay::new(), rate)),
        (
            "gcra",
            throttle(
                Gcra::new().burst_tolerance(std::time::Duration::from_secs(1)),
                rate,
            ),
        ),
    ];
    for (name, throttle) in &others {
        let hit = |throttle: &DynThrottle| {
            black_box(ready(throttle.hit(&identities[0], 1)).is_ok());
        };
        compare(name, 1, calls, &|_| hit(throttle), &|_| hit(&fixed));
    }
}

fn throttle(strategy: impl Strategy, rate: Rate) -> DynThrottle {
    let builder = DynThrottle::builder("bench").rate(rate).strategy(strategy);
    builder.backend(Backend::memory()).build().unwrap()
}

fn governor(quota: Quota) -> DefaultKeyedRateLimiter<String> {
    RateLimiter::keyed(quota)
}

/// The order in which keys are hit. Each list has a power of two of entries, so that picking the
/// next one costs next to nothing.
struct Order {
    hot: Vec<usize>,
    uniform: Vec<usize>,
    zipf: Vec<usize>,
}

impl Order {
    fn new(keys: usize) -> Self {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let total: f64 = (1..=keys).map(|rank| 1.0 / rank as f64).sum();
        let mut sum = 0.0;
        let shares: Vec<f64> = (1..=keys)
            .map(|rank| {
                sum += 1.0 / rank as f64 / total;
                sum
            })
            .collect();
        let zipf = |random: &mut Random| {
            let unit = random.unit();
            shares.partition_point(|share| *share < unit).min(keys - 1)
        };
        let uniform = |random: &mut Random| random.below(keys as u64) as usize;
        let picks = amount(PICKS, 1 << 7);
        Self {
            hot: vec![0],
            uniform: (0..picks).map(|_| uniform(&mut random)).collect(),
            zipf: (0..picks).map(|_| zipf(&mut random)).collect(),
        }
    }

    fn workloads(&self) -> [(&'static str, usize, &[usize]); 5] {
        [
            ("one hot key", 1, &self.hot),
            ("100 000 keys, uniform", 1, &self.uniform),
            ("100 000 keys, Zipf", 1, &self.zipf),
            ("one hot key, two threads", 2, &self.hot),
            ("100 000 keys, two threads", 2, &self.uniform),
        ]
    }
}

/// A small random number generator with a fixed seed (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
