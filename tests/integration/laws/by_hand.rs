//! The laws of windows with moving limits, of queues, shares and means, with results calculated by
//! hand.

use std::cell::Cell;
use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, LeakyBucket, LeakyBucketWithQueue, Priority, QuotaWithRollover,
    SlidingLog, Strategy, Tiered, TimeOfDay,
};
use traffik::{DynThrottle, ErrorKind, Identity};

use super::client::{Client, micros, wait};

const HOUR: u64 = 3_600_000_000;

/// An entry counts for W and not a microsecond longer (L13).
#[test]
fn counts_log_entries_for_one_period() {
    let client = Client::of(SlidingLog::new(), "5/500ms");
    assert_eq!(client.at_ms(100).admitted_of(9), 5);
    assert_eq!(client.at_ms(350).hit(1).wait, wait(250_000));
    assert_eq!(client.at(599_999).admitted_of(9), 0);
    assert_eq!(client.at(600_000).admitted_of(9), 5);
    let client = Client::of(SlidingLog::new(), "10/s");
    assert!(client.admits(4) && client.at_ms(100).admits(6));
    let waits = [1, 4, 5, 10, 11].map(|cost| client.hit(cost).wait);
    let (first, second) = (wait(900_000), wait(1_000_000));
    assert_eq!(waits, [first, first, second, second, None]);
}

/// Hits start c·W/L after their predecessor, the first at once; a hit without room waits for room
/// only (L16).
#[test]
fn delays_hits_of_a_queue() {
    let client = Client::of(LeakyBucketWithQueue::new().queue_size(4), "3/s");
    let delays = [1, 2, 1].map(|cost| client.hit(cost).delay);
    assert_eq!(delays, [0, 333_334, 1_000_000].map(micros));
    let refused = client.hit(1);
    assert_eq!((refused.wait, refused.delay), (wait(333_334), micros(0)));
    assert_eq!(client.hit(0).delay, micros(0), "cost 0 is not delayed");
    assert_eq!(client.at(333_334).hit(1).delay, micros(1_000_000));
    // At 5/3 s the queue is empty.
    assert_eq!(client.at(1_666_667).hit(4).delay, micros(0));
    assert_eq!(client.hit(5).wait, None);
}

#[test]
fn leaks_continuously() {
    let client = Client::of(LeakyBucket::new(), "10/100ms");
    assert_eq!(client.admitted_of(99), 10);
    assert_eq!(client.at_ms(50).admitted_of(99), 5);
    let client = Client::of(LeakyBucket::new(), "100/s");
    assert_eq!(client.admitted_of(999), 100);
    assert_eq!(client.at_ms(50).admitted_of(99), 5);
    let client = Client::of(LeakyBucketWithQueue::new(), "20/s");
    assert_eq!(client.admitted_of(99), 20);
    assert_eq!(client.at_ms(500).admitted_of(99), 10);
}

/// All tiers share one count, and no tier is read from the key (L18).
#[test]
fn shares_one_count_among_tiers() {
    let tiered = Tiered::new().tier("free", 1.0).tier("premium", 5.0);
    let client = Client::of(tiered.default_tier("free"), "10/s");
    let tier = |tier: &str| client.other(Identity::new("client").tier(tier));
    assert_eq!(client.other("tier:premium").admitted_of(99), 10);
    assert_eq!((client.remaining(), tier("premium").remaining()), (10, 50));
    assert_eq!(client.admitted_of(99), 10);
    for other in ["Premium", "premium ", "", "free"] {
        assert!(!tier(other).admits(1), "{other:?}");
    }
    assert_eq!(tier("premium").admitted_of(20), 20);
    assert_eq!(tier("premium").remaining(), 20);
    assert_eq!((client.remaining(), client.hit(11).wait), (0, None));
}

/// The factor of the window's first tick applies; the clock starts at 01:46:40 UTC (L19).
#[test]
fn applies_the_factor_of_the_hour() {
    let at = |applies_the_factor_of_the_hour: u64, minutes: u64| {
        applies_the_factor_of_the_hour * HOUR + minutes * 60_000_000 - 6_400_000_000
    };
    let law = TimeOfDay::new().window("06:00-12:00", 2.5);
    let client = Client::of(law.utc_offset("+05:00"), "10/h");
    assert_eq!(client.admitted_of(99), 25, "06:46 there");
    assert_eq!(client.at(at(7, 0) - 1).admitted_of(99), 25);
    assert_eq!(client.at(at(7, 0)).admitted_of(99), 10);
    assert_eq!(
        client.hit(11).wait,
        wait(18 * HOUR),
        "06:00 there, tomorrow"
    );
    assert_eq!(client.hit(26).wait, None);

    let client = Client::of(TimeOfDay::new().window("22:00-06:00", 0.0), "10/h");
    let closed = client.hit(1);
    assert_eq!((closed.limit, closed.wait), (0, wait(at(6, 0))));
    assert!(client.admits(0) && client.at(at(21, 59)).admits(10));
    assert_eq!(client.at(at(22, 0)).hit(1).wait, wait(8 * HOUR));

    // No window of a day starts in this hour; none of 25 hours does for
    // weeks.
    let law = || TimeOfDay::new().window("08:00-10:00", 2.0);
    assert_eq!(Client::of(law(), "10/d").hit(11).wait, None);
    let client = Client::of(law(), "10/25h");
    let due = client.hit(11).wait.expect("some day").as_micros() as u64;
    assert!(due > 24 * HOUR && !client.at(due - 1).admits(11) && client.at(due).admits(11));
}

/// Windows of any length that never start in an open hour are searched one by one (L19).
#[test]
fn searches_windows_of_odd_lengths() {
    for (period, width) in [
        (97_000_001, 1),
        (3_600_000_007, 7),
        (HOUR * 25 + 13, 2),
        (HOUR * 7 + 60_000_000, 3),
    ] {
        let part = format!("03:30-03:{}", 30 + width);
        let client = Client::of(
            TimeOfDay::new().window(&part, 2.0),
            &format!("1/{period}us"),
        );
        let start = 1_000_000_000_000_000_u64;
        let day = 24 * HOUR;
        let opens = 3 * HOUR + HOUR / 2;
        let mut window = start - start % period + period;
        while !(opens..opens + width * 60_000_000).contains(&(window % day)) {
            window += period;
        }
        assert_eq!(client.hit(2).wait, wait(window - start), "{period}");
    }
}

/// Rollover of the unused limit (L20, L21).
#[test]
fn carries_over_unused_units() {
    let half = || Client::of(QuotaWithRollover::new().max(50), "100/s");
    let client = half();
    assert_eq!(client.admitted_of(999), 150, "nothing was used before");
    assert_eq!(client.at_ms(1_000).admitted_of(999), 100);
    assert!(client.at_ms(2_000).admits(60));
    assert_eq!(client.at_ms(3_000).admitted_of(999), 120);
    assert_eq!(client.hit(101).wait, wait(2_000_000), "two windows on");
    assert_eq!(
        (client.hit(100).wait, client.hit(151).wait),
        (wait(1_000_000), None)
    );
    assert_eq!(client.at_ms(5_000).admitted_of(999), 150);
    let client = Client::of(QuotaWithRollover::new().percent(100.0).max(30), "100/s");
    assert!(client.admits(10));
    assert_eq!(client.at_ms(1_000).remaining(), 130);
    assert!(client.admits(130));
    assert_eq!(client.at_ms(2_000).remaining(), 100);
}

/// 81 hits in the first window, and the whole limit is restored in the end (L22–L24).
#[test]
fn cuts_and_restores_an_adaptive_limit() {
    let client = Client::of(Adaptive::new().reduction(0.5), "100/s");
    assert_eq!(client.admitted_of(999), 81);
    assert_eq!(client.hit(1).limit, 50);
    assert_eq!(
        client.at_ms(1_000).admitted_of(999),
        50,
        "not calm, not cut"
    );
    let limits = (2..=7).map(|second| client.at_ms(second * 1_000).hit(0).limit);
    assert_eq!(limits.collect::<Vec<_>>(), [60, 70, 80, 90, 100, 100]);
    let client = Client::of(Adaptive::new().reduction(0.5), "100/s");
    assert!(client.admits(81));
    assert_eq!(client.hit(100).wait, wait(6_000_000));
    assert_eq!(client.hit(50).wait, wait(1_000_000));
}

thread_local! {
    static LOAD: Cell<(f64, u32)> = const { Cell::new((0.0, 0)) };
}

fn load() -> f64 {
    let (load, reads) = LOAD.get();
    LOAD.set((load, reads + 1));
    load
}

/// The signal is read once per hit; NaN is no load, and infinity is one (L24).
#[test]
fn reads_the_load_once_per_hit() {
    let client = Client::of(Adaptive::new().load(load), "100/s");
    for (signal, limit) in [
        (0.8, 100),
        (f64::NAN, 100),
        (-1.0, 100),
        (0.800_001, 60),
        (f64::INFINITY, 60),
    ] {
        LOAD.set((signal, 0));
        assert_eq!((client.hit(1).limit, LOAD.get().1), (limit, 1), "{signal}");
    }
    LOAD.set((f64::INFINITY, 0));
    assert_eq!(
        (client.at_ms(1_000).hit(200).limit, client.hit(0).limit),
        (60, 60)
    );
    assert_eq!(client.hit(1).limit, 36);
}

/// Low priorities leave room for higher ones, whatever the limit (L25).
#[test]
fn leaves_room_for_higher_priorities() {
    use traffik::Priority::{Critical, High, Low, Normal};
    let client = Client::of(Priority::new(), "2000/s");
    let of = |priority| client.other(Identity::new("client").priority(priority));
    let admitted =
        [Low, Normal, Low, High, Normal, Critical, High].map(|of_| of(of_).admitted_of(9_999));
    assert_eq!(admitted, [1_000, 600, 0, 300, 0, 100, 0]);
    assert!(of(High).hit(1).wait <= of(Low).hit(1).wait);
    assert_eq!(client.hit(0).limit, 1_600, "normal by default");
    assert_eq!(
        (of(Low).hit(1_001).wait, of(Critical).hit(2_001).wait),
        (None, None)
    );
}

/// The mean slows the refill, down to the least factor, until the bucket is full (L26, L27).
#[test]
fn slows_the_refill_by_the_mean_cost() {
    let client = Client::of(CostBasedTokenBucket::new().burst(50), "100/s");
    assert_eq!(client.admitted_of(99), 50);
    assert_eq!(client.hit(1).wait, wait(10_000), "a mean of 1");
    let client = Client::of(CostBasedTokenBucket::new().burst(100), "100/s");
    assert_eq!(
        [20; 6].map(|cost| client.admits(cost)),
        [true, true, true, true, true, false]
    );
    assert_eq!(client.at_ms(200).admitted_of(99), 10);
    // Hits of 1 and 3: a factor of 0.5; one of 0.666 with a third hit of 1 more: ⌊3000/5⌋ = 600.
    let client = Client::of(
        CostBasedTokenBucket::new().burst(4).min_refill(0.001),
        "1/s",
    );
    assert!(client.admits(1) && client.admits(3));
    assert_eq!(client.hit(1).wait, wait(2_000_000));
    assert!(client.at(2_000_000).admits(1));
    assert_eq!(client.hit(1).wait, Some(Duration::from_micros(1_666_667)));
    assert_eq!(client.hit(0).reset, Duration::from_micros(6_666_667));
    assert_eq!(client.at(8_666_667).hit(4).wait, wait(0));
    assert_eq!(client.hit(4).wait, wait(16_000_000));
}

/// Invalid parameters are refused when the throttle is built.
#[test]
fn refuses_invalid_parameters() {
    fn refused(strategy: impl Strategy) {
        let name = format!("{strategy:?}");
        let builder = DynThrottle::builder("refused").rate("10/s".parse().unwrap());
        let built = builder.strategy(strategy).build().map(|_| ());
        assert_eq!(
            built.map_err(|error| error.kind()),
            Err(ErrorKind::Configuration),
            "{name}"
        );
    }
    refused(LeakyBucket::new().capacity(0));
    refused(LeakyBucketWithQueue::new().queue_size(0));
    refused(CostBasedTokenBucket::new().burst(0));
    refused(CostBasedTokenBucket::new().window(0));
    for share in [-0.1, f64::NAN, f64::INFINITY, 0.123_456_7] {
        refused(Tiered::new().tier("a", share).default_tier("a"));
        refused(TimeOfDay::new().window("00:00-12:00", share));
        refused(QuotaWithRollover::new().percent(share));
        refused(Adaptive::new().threshold(share));
        refused(Priority::new().low(share));
        refused(CostBasedTokenBucket::new().min_refill(share));
    }
    refused(CostBasedTokenBucket::new().min_refill(0.000_5));
    refused(CostBasedTokenBucket::new().min_refill(0.0));
    refused(CostBasedTokenBucket::new().min_refill(1.001));
    refused(QuotaWithRollover::new().percent(100.000_001));
    refused(Tiered::new().tier("a", 1.0));
    refused(Tiered::new().tier("a", 1.0).default_tier("A"));
    refused(
        Tiered::new()
            .tier("a", 1.0)
            .tier("b", 0.099)
            .default_tier("a"),
    );
    refused(Priority::new().low(0.9));
    refused(Priority::new().critical(0.99));
    refused(Adaptive::new().threshold(0.0));
    refused(Adaptive::new().threshold(1.1));
    refused(Adaptive::new().reduction(1.0));
    refused(Adaptive::new().recovery(0.0));
    refused(Adaptive::new().min(0.0));
    for part in [
        "08:00-08:00",
        "24:00-08:00",
        "08:00",
        "8-9",
        "08:60-09:00",
        "08:00-24:01",
        "",
        "08:00-09:00-10:00",
    ] {
        refused(TimeOfDay::new().window(part, 1.0));
    }
    for offset in ["05:30", "+14:01", "-12:01", "+5", "Z", "", "+05:60"] {
        refused(TimeOfDay::new().utc_offset(offset));
    }
    let covered = TimeOfDay::new()
        .window("08:00-12:00", 1.0)
        .window("12:00-18:00", 1.0);
    refused(covered.window("09:00-17:00", 2.0));
}
