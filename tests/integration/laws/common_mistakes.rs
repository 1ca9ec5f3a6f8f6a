//! Common mistakes of rate limiters, strategy by strategy.

use std::time::Duration;

use traffik::strategy::{FixedWindow, FixedWindowMetadata, Gcra, GcraMetadata, Strategy};
use traffik::strategy::{SlidingCounter, TokenBucket, TokenBucketMetadata};
use traffik::{Identity, Rate};

use super::client::{Client, micros, wait};
use super::every_strategy::{at_once, by_single_hits};

#[test]
fn admits_the_limit_and_not_one_more() {
    for (rate, limit) in [
        ("1/s", 1),
        ("5/50ms", 5),
        ("100/3600s", 100),
        ("10000/s", 10_000),
    ] {
        for (name, client) in by_single_hits(rate) {
            assert_eq!(client.admitted_of(limit), limit as usize, "{name}, {rate}");
            let refused = client.hit(1);
            let period = rate.parse::<Rate>().unwrap().period();
            let wait = refused.wait.expect("not never");
            assert!(!refused.admitted && !wait.is_zero(), "{name}, {rate}");
            assert!(wait <= period * 2, "{name}, {rate}");
        }
    }
}

/// Any key has a budget of its own, under each strategy.
#[test]
fn separates_keys_and_strategies() {
    let long = "k".repeat(10_000);
    let keys = [
        "",
        " ",
        "a b",
        "a:b",
        "{a}",
        "\n",
        "\0",
        "🦀",
        "日本語",
        &long,
        "1",
        "01",
    ];
    for (name, client) in at_once("5/s") {
        for key in keys {
            assert_eq!(client.other(key).admitted_of(7), 5, "{name}, {key:.9}");
        }
        for (identity, cost) in [(Identity::from(7), 3), (Identity::new([0xff, 0xfe]), 4)] {
            let client = client.other(identity);
            assert!(client.admits(cost) && !client.admits(6 - cost) && client.admits(5 - cost));
        }
    }
}

/// A wait shrinks while time passes.
#[test]
fn shrinks_waits_over_time() {
    for (name, client) in by_single_hits("5/s") {
        client.at_ms(300).admitted_of(5);
        let waits = [300, 350, 400].map(|at| client.at_ms(at).hit(1).wait.unwrap());
        assert_eq!(waits[0], waits[1] + micros(50_000), "{name}");
        assert_eq!(waits[1], waits[2] + micros(50_000), "{name}");
    }
}

/// A throttle without a limit admits everything.
#[test]
fn admits_everything_without_a_limit() {
    for (name, client) in by_single_hits("0/0") {
        assert_eq!(client.admitted_of(100), 100, "{name}");
        assert!(client.admits(u64::MAX), "{name}");
        let stat = client.stat();
        assert_eq!(
            (stat.hits_remaining, stat.wait),
            (u64::MAX, wait(0)),
            "{name}"
        );
    }
    for (name, client) in by_single_hits("1/s") {
        let exempt = client.other(Identity::Exempt);
        assert_eq!(exempt.admitted_of(9), 9, "{name}");
        assert_eq!(exempt.remaining(), u64::MAX, "{name}");
    }
}

#[test]
fn adds_costs() {
    for (name, client) in at_once("10/600ms") {
        let spent = [3, 3, 4, 5, 1].map(|cost| client.admits(cost));
        assert_eq!(spent, [true, true, true, false, false], "{name}");
        let client = client.other("another");
        assert_eq!([10, 1].map(|cost| client.admits(cost)), [true, false]);
    }
    for (name, client) in at_once("100/s") {
        assert_eq!((0..60).filter(|_| client.admits(2)).count(), 50, "{name}");
        assert!(!client.admits(50), "{name}");
    }
    for (name, client) in at_once("20/s") {
        let remaining = [5, 7, 3].map(|cost| client.hit(cost).remaining);
        assert_eq!(remaining, [15, 8, 5], "{name}");
        assert_eq!(client.remaining(), 5, "{name}");
    }
}

/// Windows of a second last a second and start on the clock.
#[test]
fn aligns_fixed_windows_to_the_clock() {
    let client = Client::of(FixedWindow::new(), "5/s");
    assert_eq!(client.at_ms(999).admitted_of(9), 5);
    assert_eq!(client.hit(1).wait, wait(1_000));
    assert_eq!(client.at_ms(1_000).admitted_of(9), 5);
    assert_eq!(client.at_ms(1_999).admitted_of(9), 0);
    assert_eq!(client.at_ms(2_000).admitted_of(9), 5);
    let window: FixedWindowMetadata = client.metadata();
    assert_eq!(window.window_end_ms - window.window_start_ms, 1_000);
    assert_eq!(window.current_count, 5);

    let short = Client::of(FixedWindow::new(), "2/100ms");
    assert_eq!(
        [0, 50, 100, 200].map(|at| short.at_ms(at).admitted_of(3)),
        [2, 0, 2, 2]
    );
    let microscopic = Client::of(FixedWindow::new(), "2/3us");
    let start = 2; // 10^15 µs leave a rest of 1 by 3
    assert_eq!(
        [0, 1, 2, 3].map(|at| microscopic.at(start + at).admitted_of(3)),
        [2, 0, 0, 2]
    );
}

/// Units of the previous window count by their weight, and refused hits do not count.
#[test]
fn weights_the_previous_window() {
    let client = Client::of(SlidingCounter::new(), "200/10s");
    assert_eq!(client.at_ms(5_000).admitted_of(300), 200);
    // 30 % into the next window 140 still count.
    assert_eq!(client.at_ms(13_000).admitted_of(300), 60);
    assert!(!client.admits(200));
    // At 16 s 80 of the first and 60 of the second.
    assert_eq!(client.at_ms(16_000).admitted_of(300), 60);

    let client = Client::of(SlidingCounter::new(), "10/s");
    assert_eq!(client.admitted_of(99), 10);
    assert_eq!(client.at_ms(1_300).admitted_of(99), 3);
    let client = Client::of(SlidingCounter::new(), "5/200ms");
    assert_eq!(
        [0, 100, 250, 400].map(|at| client.at_ms(at).admitted_of(99)),
        [5, 0, 1, 4]
    );
}

/// A bucket whose burst refills in less than a second counts too.
#[test]
fn counts_in_fast_token_buckets() {
    let client = Client::of(TokenBucket::new().burst(100), "1000/s");
    assert_eq!(client.admitted_of(5_000), 100);
    assert_eq!(client.at_ms(1).admitted_of(5_000), 1);
    assert_eq!(client.at_ms(51).admitted_of(5_000), 50);
    assert_eq!(client.at_ms(60_000).admitted_of(5_000), 100);

    let client = Client::of(TokenBucket::new().burst(15), "10/s");
    assert_eq!(client.remaining(), 15);
    assert!(client.admits(5));
    assert_eq!(client.remaining(), 10);
    assert!(client.admits(10));
    assert_eq!((client.remaining(), client.hit(1).wait), (0, wait(100_000)));

    // Twice the refill of a second at once; then the refill of the elapsed time, half a second or a
    // twentieth of it.
    for (burst, rate, at, more) in [
        (10, "10/s", 500, 5),
        (20, "10/s", 500, 5),
        (100, "100/s", 50, 5),
    ] {
        let client = Client::of(TokenBucket::new().burst(burst), rate);
        assert_eq!(client.admitted_of(burst + 1), burst as usize, "{rate}");
        assert_eq!(client.at_ms(at).admitted_of(99), more, "{rate}");
    }
}

#[test]
fn allows_debt() {
    let client = Client::of(TokenBucket::new().debt(10), "10/s");
    assert_eq!(client.remaining(), 20);
    assert_eq!(client.admitted_of(30), 20);
    assert_eq!(
        [500, 800, 2_800].map(|at| client.at_ms(at).admitted_of(30)),
        [5, 3, 20]
    );

    let client = Client::of(TokenBucket::new().debt(15), "10/s");
    let spent = [10, 5, 8, 3, 2].map(|cost| client.admits(cost));
    assert_eq!(spent, [true, true, true, false, true]);
    let allows_debt = client.metadata::<TokenBucketMetadata>().current_debt;
    assert!((allows_debt - 15.0).abs() < 1e-9);
    assert_eq!(
        client
            .at_ms(1_500)
            .metadata::<TokenBucketMetadata>()
            .current_debt
            .to_bits(),
        0
    );
}

#[test]
fn spaces_hits_under_gcra() {
    let client = Client::of(Gcra::new(), "100/s");
    assert_eq!(
        (client.admitted_of(5), client.hit(1).wait),
        (1, wait(10_000))
    );
    let client = Client::of(Gcra::new(), "10/s");
    assert_eq!(
        (client.admitted_of(5), client.hit(1).wait),
        (1, wait(100_000))
    );
    let client = Client::of(Gcra::new().burst_tolerance(micros(100_000)), "10/s");
    assert_eq!(
        (client.admitted_of(5), client.hit(1).wait),
        (2, wait(100_000))
    );
    let client = Client::of(Gcra::new(), "100/s");
    assert!(client.admits(5));
    assert_eq!(client.hit(1).wait, wait(50_000));
    let fresh: GcraMetadata = Client::of(Gcra::new(), "10/s").metadata();
    assert!(fresh.conformant && (fresh.emission_interval_ms - 100.0).abs() < 1e-9);
}

/// A cost above the capacity is neither admitted nor given a wait.
#[test]
fn never_admits_costs_above_the_capacity() {
    fn never(strategy: impl Strategy) {
        let client = Client::of(strategy, "10/s");
        let refused = client.hit(11);
        assert!(!refused.admitted && refused.never());
        assert_eq!(client.hit(0).reset, Duration::ZERO, "nothing was spent");
    }
    never(FixedWindow::new());
    never(SlidingCounter::new());
    never(TokenBucket::new());
    never(TokenBucket::new().burst(4).debt(6));
    never(Gcra::new().burst_tolerance(Duration::from_secs(60)));
}
