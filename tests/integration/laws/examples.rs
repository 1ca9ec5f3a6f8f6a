//! The numeric examples of the laws, and results that follow from the rules by hand.

use std::time::Duration;

use traffik::strategy::{FixedWindow, Gcra, GcraMetadata, SlidingCounter, TokenBucket};
use traffik::strategy::{SlidingCounterMetadata, TokenBucketMetadata};
use traffik::{Backend, DynThrottle, ManualClock, Rate};

use super::client::{Client, micros, wait};

/// Windows are aligned to the epoch in UTC, days at midnight and weeks on Thursdays (L1).
#[test]
fn aligns_windows_to_the_epoch() {
    let thursday = 1_577_923_200_000_000; // 2020-01-02 00:00 UTC
    for rate in ["1/day", "1/week"] {
        let clock = ManualClock::at(micros(thursday - 1));
        let backend = Backend::memory().clock(clock.clone());
        let throttle = DynThrottle::builder("aligned").rate(rate.parse().unwrap());
        let throttle = throttle.backend(backend).build().unwrap();
        let admits = || traffik_tests::poll_once(throttle.hit(&"client".into(), 1)).unwrap();
        assert!(admits().admitted);
        let refused = admits();
        assert_eq!((refused.admitted, refused.wait), (false, wait(1)), "{rate}");
        clock.advance(micros(1));
        assert!(admits().admitted, "{rate}");
        assert_eq!(
            admits().wait,
            Some("1/day".parse::<Rate>().unwrap().period() * if rate == "1/day" { 1 } else { 7 })
        );
    }
}

/// A finer clock is rounded down to the microsecond (L1).
#[test]
fn ignores_nanoseconds() {
    let client = Client::of(TokenBucket::new(), "1/ms");
    client.clock.advance(Duration::from_nanos(999));
    assert!(client.admits(1));
    client.at(999).clock.advance(Duration::from_nanos(999));
    assert_eq!(client.hit(1).wait, wait(1));
    assert!(client.at(1_000).admits(1));
}

/// Three a second, all spent at 0 (L2).
#[test]
fn rounds_thirds_of_a_second_up_without_drift() {
    let client = Client::of(TokenBucket::new(), "3/second");
    assert_eq!(client.admitted_of(4), 3);
    for at in [333_334, 666_667, 1_000_000, 1_333_334, 1_666_667, 2_000_000] {
        assert_eq!(client.at(at - 1).hit(1).wait, wait(1), "before {at}");
        assert!(client.at(at).admits(1), "at {at}");
        assert!(!client.admits(1), "again at {at}");
    }
    for third in 7..3_000_u64 {
        assert!(!client.at((third * 1_000_000).div_ceil(3) - 1).admits(1));
        assert!(client.at((third * 1_000_000).div_ceil(3)).admits(1));
    }
}

/// A rate above one unit a tick needs no special case (L2).
#[test]
fn admits_five_units_a_microsecond() {
    let bucket = Client::of(TokenBucket::new(), "5000/ms");
    assert!(bucket.admits(5_000));
    assert_eq!(bucket.hit(1).wait, wait(1));
    assert_eq!(bucket.hit(6).wait, wait(2));
    assert_eq!(bucket.at(1).admitted_of(6), 5);
    assert_eq!(bucket.at(1_001).admitted_of(5_001), 5_000);

    let spaced = Client::of(Gcra::new(), "5000/ms");
    assert!(spaced.admits(1) && !spaced.admits(1));
    assert!(spaced.at(1).admits(6));
    assert_eq!(spaced.hit(1).wait, wait(2));
}

/// Beyond 2^53 the tick is coarser; the wait counts from the clock itself, to the microsecond (L3).
#[test]
fn reports_waits_to_the_microsecond_under_a_coarse_tick() {
    // 4·10^9 · 10^7 > 2^53 ≥ 4·10^9 · 10^6: the tick is 10 µs.
    let client = Client::of(SlidingCounter::new(), "4000000000/10s");
    assert!(client.at(3).admits(4_000_000_000));
    // At 10 s + e, 400 more have expired every µs; a tick earlier the rest still counts.
    let refused = client.at(10_000_017).hit(4_000);
    assert_eq!((refused.admitted, refused.wait), (true, wait(0)));
    let refused = client.at(10_000_019).hit(1);
    assert_eq!((refused.admitted, refused.wait), (false, wait(1)));
    assert!(client.at(10_000_020).admits(4_000) && !client.admits(1));
}

/// If no tick fits, the throttle is refused with advice (L3).
#[test]
fn refuses_a_rate_without_an_exact_tick() {
    let rate: Rate = "4294967295/3650 days".parse().unwrap();
    let build = |throttle: traffik::DynThrottleBuilder| throttle.rate(rate).build();
    let builder = || DynThrottle::builder("much");
    for refused in [
        build(builder().strategy(SlidingCounter::new())),
        build(builder().strategy(TokenBucket::new())),
        build(builder().strategy(Gcra::new())),
    ] {
        let message = refused.unwrap_err().to_string();
        let expected =
            "`4294967295/3650d` has no exact tick; use a smaller limit or a shorter period";
        assert!(message.contains(expected), "{message}");
    }
    assert!(build(builder()).is_ok(), "windows count to any limit");
}

/// 8 in the previous window, 10 a window (L14).
#[test]
fn weights_the_previous_window_of_a_sliding_counter() {
    let client = Client::of(SlidingCounter::new(), "10/10s");
    assert!(client.at_ms(9_999).admits(8));
    // 12.5 s: a quarter of the window has passed, 6 of the 8 still count.
    assert_eq!(client.at_ms(12_500).remaining(), 4);
    assert!(client.admits(3));
    let metadata: SlidingCounterMetadata = client.metadata();
    assert_eq!((metadata.previous_count, metadata.current_count), (8, 3));
    assert!((metadata.weighted_count - 9.0).abs() < 1e-9);
    // 3 more: 8·(10 − e)/10 ≤ 4 from e = 5 s. 8: the window after, where 3·(10 − e)/10 ≤ 2 from e =
    // 3⅓ s.
    assert_eq!(client.hit(3).wait, wait(2_500_000));
    assert_eq!(
        client.hit(8).wait,
        wait(20_000_000 + 3_333_334 - 12_500_000)
    );
    assert_eq!(client.hit(10).wait, wait(30_000_000 - 12_500_000));
    assert_eq!(client.hit(1).reset, micros(30_000_000 - 12_500_000));
}

/// One hit may use the burst and the overdraft; the refill stops at the burst (L15).
#[test]
fn uses_the_burst_and_the_overdraft_of_a_token_bucket() {
    let client = Client::of(TokenBucket::new().burst(5).debt(10), "10/s");
    let full: TokenBucketMetadata = client.metadata();
    assert!(
        full.tokens.to_bits() == 5.0_f64.to_bits() && full.capacity == 5 && full.max_debt == 10
    );
    assert!(client.admits(12));
    let owing: TokenBucketMetadata = client.metadata();
    assert!((owing.tokens + 7.0).abs() < 1e-9 && (owing.current_debt - 7.0).abs() < 1e-9);
    let refused = client.hit(4);
    assert_eq!((refused.limit, refused.remaining), (15, 3));
    assert_eq!((refused.wait, refused.next), (wait(100_000), wait(100_000)));
    assert_eq!(refused.reset, micros(1_200_000));
    assert_eq!(client.hit(16).wait, None);
    // A minute later the bucket is full.
    assert_eq!(client.at_ms(60_000).admitted_of(100), 15);
}

/// One hit may take the whole limit and is then waited for; the wait does not depend on the cost
/// (L17).
#[test]
fn admits_the_whole_limit_at_once_under_gcra() {
    let client = Client::of(Gcra::new().burst_tolerance(micros(250_000)), "10/s");
    let fresh = client.hit(0);
    assert_eq!((fresh.limit, fresh.remaining, fresh.next), (3, 3, None));
    assert!(client.admits(1));
    assert_eq!(client.remaining(), 2);
    assert!(client.admits(10));
    // TAT is at 1.1 s; the next hit conforms from 0.85 s on.
    for cost in [1, 2, 10] {
        assert_eq!(client.hit(cost).wait, wait(850_000), "a cost of {cost}");
    }
    assert_eq!(client.hit(11).wait, None);
    let metadata: GcraMetadata = client.metadata();
    assert!(!metadata.conformant && (metadata.emission_interval_ms - 100.0).abs() < 1e-9);
    assert!((metadata.tat_ms - 1_000_000_001_100.0).abs() < 1e-3);
    assert!(!client.at(849_999).admits(1));
    assert_eq!(client.at(850_000).remaining(), 1);
    assert!(client.admits(10));
}

/// `remaining` is the number of admitted hits of cost 1, also if it exceeds L (L17).
#[test]
fn admits_the_remainder_of_a_gcra_hit_by_hit() {
    for (rate, tolerance) in [
        ("3/s", 2_000_000),
        ("7/ms", 999),
        ("1/s", 1),
        ("5000/ms", 10),
    ] {
        let client = Client::of(Gcra::new().burst_tolerance(micros(tolerance)), rate);
        for at in [0, 1, 700, 333_333] {
            let remaining = client.at(at).remaining();
            assert_eq!(
                client.admitted_of(remaining + 5) as u64,
                remaining,
                "{rate} at {at}"
            );
        }
    }
}

/// The limit is the largest cost that a fresh state admits (L11).
#[test]
fn reports_limits_of_fresh_states() {
    let limit = |client: Client| client.hit(0).limit;
    assert_eq!(limit(Client::of(FixedWindow::new(), "7/s")), 7);
    assert_eq!(limit(Client::of(SlidingCounter::new(), "7/s")), 7);
    assert_eq!(limit(Client::of(TokenBucket::new(), "7/s")), 7);
    assert_eq!(
        limit(Client::of(TokenBucket::new().burst(3).debt(2), "7/s")),
        5
    );
    assert_eq!(limit(Client::of(Gcra::new(), "7/s")), 1);
    let tolerant = Gcra::new().burst_tolerance(Duration::from_secs(2));
    assert_eq!(limit(Client::of(tolerant, "7/s")), 15);
}
