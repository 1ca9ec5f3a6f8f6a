//! States in a shared store that another program has corrupted, number by number: nothing panics,
//! no wait exceeds that of a rate, Redis decides as a custom store does, and an invalid state is
//! replaced.

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, TimeOfDay, TokenBucket,
};
use traffik::{Backend, DynThrottle, Identity, ManualClock};
use traffik_tests::{OpenStore, RedisServer};

use crate::memcached::PATIENCE;

/// Numbers at and beyond the ends of every range.
const NUMBERS: [f64; 26] = [
    f64::NEG_INFINITY,
    -1.0,
    -0.0,
    0.0,
    0.5,
    1.0,
    2.0,
    7.0,
    999.0,
    1_000.0,
    1_001.0,
    999_999.0,
    1_000_000.0,
    1_000_001.0,
    10_000_000.0,
    1e9,
    4_294_967_296.0,
    1e15,
    // Ten years, and a tick more.
    315_360_000_000_000.0,
    315_360_000_000_001.0,
    9_007_199_254_740_991.0,
    9_007_199_254_740_992.0,
    9_007_199_254_740_994.0,
    18_446_744_073_709_551_616.0,
    1e300,
    f64::NAN,
];

/// Returns the state with each of its numbers and each other byte replaced, with the index of the
/// change. Numbers begin after three bytes, those of records after four more.
fn corrupted(whole: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut all = Vec::new();
    for byte in 0..3 {
        for value in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 127, 255] {
            let mut changed = whole.to_vec();
            changed[byte] = value;
            all.push((byte, changed));
        }
    }
    for place in (3..whole.len().saturating_sub(7)).step_by(4) {
        for number in NUMBERS {
            let mut changed = whole.to_vec();
            changed[place..place + 8].copy_from_slice(&number.to_be_bytes());
            all.push((place, changed));
        }
        for count in [0, 1, 2, 3, 255, 65_536, u32::MAX] {
            let mut changed = whole.to_vec();
            changed[place..place + 4].copy_from_slice(&count.to_be_bytes());
            all.push((place, changed));
        }
    }
    all
}

/// The longest period is ten years, and a count lives for two periods at most.
const LONGEST: Duration = Duration::from_secs(2 * 3_650 * 86_400);

#[tokio::test]
async fn survives_corrupted_numbers() {
    let server = RedisServer::start();
    let remote = Backend::redis(server.url()).timeout(PATIENCE);
    let remote = remote
        .connect()
        .await
        .unwrap()
        .local_refusals(Duration::ZERO);
    let mut connection = redis::Client::open(server.url())
        .unwrap()
        .get_connection()
        .unwrap();
    macro_rules! each {
        ($rates:expr, $($strategy:expr),+ $(,)?) => {$(
            let name = stringify!($strategy);
            let clock = ManualClock::new();
            let start = clock.now();
            let store = OpenStore::default();
            let throttle = |backend: &Backend| {
                let throttle = DynThrottle::builder(format!("tampered {name} {}", $rates.len()));
                let rates = $rates.iter().map(|rate: &&str| rate.parse().unwrap());
                let throttle = rates.fold(throttle, |throttle, rate| throttle.rate(rate));
                let throttle = throttle.strategy($strategy);
                throttle.backend(backend.clone().clock(clock.clone())).build().unwrap()
            };
            let custom = Backend::custom(store.clone()).local_refusals(Duration::ZERO);
            let (own, other) = (throttle(&custom), throttle(&remote));
            let client = Identity::new("client");
            for after in [1, 3] {
                clock.set(start + Duration::from_secs(after));
                assert!(own.hit(&client, 2).await.unwrap().admitted, "{name}");
                assert!(other.hit(&client, 2).await.unwrap().admitted, "{name}");
            }
            let (key, whole) = store.only_entry();
            let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
            assert_eq!(keys.len(), 1, "{keys:?} and {key}");
            // Sums and records begin here; a hit does not add up all of them.
            let records = match whole[1] {
                6 | 8 => 3 + 8 * 3,
                7 => 3 + 8 * 5,
                _ => whole.len(),
            };
            for (place, state) in corrupted(&whole) {
                clock.set(start + Duration::from_secs(4));
                store.replace_all(&state);
                let set = redis::cmd("SET").arg(&keys[0]).arg(&state).arg("EX").arg(1_000).exec(&mut connection);
                set.unwrap();
                for cost in [1, 6, 9] {
                    let stat = own.stat(&client).await.unwrap();
                    let stat_on_redis = other.stat(&client).await.unwrap();
                    assert_eq!(
                        serde_json::to_value(&stat).unwrap(),
                        serde_json::to_value(&stat_on_redis).unwrap(),
                        "{name}: {state:?}"
                    );
                    let decision = own.hit(&client, cost).await.unwrap();
                    let decided = other.hit(&client, cost).await.unwrap();
                    for decision in [decision, decided] {
                        let waits = decision.wait != Some(Duration::ZERO);
                        assert!(decision.admitted != waits, "{name}: {decision:?} on {state:?}");
                    }
                    if place + 8 > records {
                        break;
                    }
                    assert_eq!(decision, decided, "{name}: a hit of {cost} on {state:?}");
                }
                // A level may contain a settlement beyond all limits, which takes longer.
                if !matches!(whole[1], 3 | 7) {
                    clock.advance(LONGEST);
                    for throttle in [&own, &other] {
                        let stat = throttle.stat(&client).await.unwrap();
                        assert!(stat.hits_remaining > 0, "{name}: {stat:?} after {state:?}");
                    }
                }
            }
            let _: u64 = redis::cmd("DEL").arg(&keys).query(&mut connection).unwrap();
        )+};
    }
    each!(
        ["10/10s"],
        FixedWindow::new(),
        TimeOfDay::new().window("00:00-24:00", 1.0),
        SlidingCounter::new(),
        TokenBucket::new(),
        LeakyBucketWithQueue::new(),
        Gcra::new().burst_tolerance(Duration::from_secs(9)),
        QuotaWithRollover::new().percent(50.0),
        Adaptive::new(),
        SlidingLog::new(),
        Priority::new().normal(1.0).high(1.0),
        CostBasedTokenBucket::new(),
    );
    // Several rates, one after the other.
    each!(
        ["10/10s", "20/minute"],
        FixedWindow::new(),
        SlidingCounter::new(),
        TokenBucket::new(),
        SlidingLog::new(),
    );
}
