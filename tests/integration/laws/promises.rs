//! The promises of every strategy, each named by its number.

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Tiered, TimeOfDay, TokenBucket,
};

use super::client::{Client, micros, wait};

const MINUTE: u64 = 60_000_000;

/// Creates a client of every strategy at a rate of 3 in 7 seconds, with the largest cost that it
/// can admit.
fn each() -> Vec<(&'static str, Client, u64)> {
    let rate = "3/7s";
    let tolerance = Duration::from_secs(10);
    let tiers = Tiered::new().tier("free", 2.0).default_tier("free");
    // The clock starts at 01:46:40; windows after 01:47 have less room.
    let hours = TimeOfDay::new().window("01:00-01:47", 2.0);
    let rollover = QuotaWithRollover::new().percent(100.0);
    let adaptive = Adaptive::new().threshold(0.5).recovery(0.5).min(0.7);
    let costly = CostBasedTokenBucket::new().burst(4);
    vec![
        ("fixed window", Client::of(FixedWindow::new(), rate), 3),
        (
            "sliding counter",
            Client::of(SlidingCounter::new(), rate),
            3,
        ),
        ("token bucket", Client::of(TokenBucket::new(), rate), 3),
        (
            "with debt",
            Client::of(TokenBucket::new().burst(4).debt(5), rate),
            9,
        ),
        ("gcra", Client::of(Gcra::new(), rate), 3),
        (
            "tolerant",
            Client::of(Gcra::new().burst_tolerance(tolerance), rate),
            3,
        ),
        ("leaky", Client::of(LeakyBucket::new().capacity(4), rate), 4),
        (
            "queue",
            Client::of(LeakyBucketWithQueue::new().queue_size(5), rate),
            5,
        ),
        ("sliding log", Client::of(SlidingLog::new(), rate), 3),
        ("priority", Client::of(Priority::new().normal(0.7), rate), 2),
        ("tiered", Client::of(tiers, rate), 6),
        ("time of day", Client::of(hours, rate), 6),
        ("rollover", Client::of(rollover, rate), 6),
        ("adaptive", Client::of(adaptive, rate), 3),
        ("cost based", Client::of(costly, rate), 4),
    ]
}

/// Hits until nothing remains.
fn spend(client: &Client) {
    while client.admits(1) {}
}

/// No stretch of time admits more than the law allows, whatever the hits (promise 1).
#[test]
fn admits_no_more_than_the_law_allows() {
    let windows = |micros: u64| 3 * ((micros + 6_000_000) / 7_000_000 + 1); // the clock starts 6 s into one
    let refilled = |micros: u64| 3 * micros / 7_000_000;
    let max: [&dyn Fn(u64) -> u64; 15] = [
        &windows,
        &windows,
        &|micros| 3 + refilled(micros),
        &|micros| 9 + refilled(micros),
        &|micros| 1 + refilled(micros),
        &|micros| 1 + refilled(10_000_000 + micros),
        &|micros| 4 + refilled(micros),
        &|micros| 5 + refilled(micros),
        &windows,
        &windows,
        &|micros| 2 * windows(micros),
        &|micros| 2 * windows(micros),
        // A client that hammers leaves no unused units to carry over, except of the first window.
        &|micros| 3 + windows(micros),
        &windows,
        &|micros| 4 + refilled(micros),
    ];
    for ((name, client, _), max) in each().into_iter().zip(max) {
        let mut admitted = 0;
        for micros in (0..2_000).map(|step| step * 97_001) {
            admitted += client.at(micros).admitted_of(3) as u64;
            assert!(
                admitted <= max(micros),
                "{name}: {admitted} after {micros} µs"
            );
        }
        assert!(admitted > 50, "{name}: only {admitted}");
    }
}

/// A client that hammers gets as much as one that does not (promise 2).
#[test]
fn does_not_charge_refusals() {
    for ((name, patient, _), (_, hammering, _)) in each().into_iter().zip(each()) {
        for step in 0..500 {
            patient.at(step * 100_003);
            hammering.at(step * 100_003);
            let admitted = (patient.admits(1), hammering.admits(1));
            assert_eq!(admitted.0, admitted.1, "{name} at step {step}");
            for cost in [2, 3, 1_000, u64::MAX] {
                let _ = !hammering.check(cost) && hammering.admits(cost);
            }
            assert_eq!(patient.hit(0), hammering.hit(0), "{name} at step {step}");
        }
    }
}

/// Hammered at 50 a second, `10/2s` still admits 10 in 2 seconds (promise 2).
#[test]
fn admits_ten_in_two_seconds_at_fifty_a_second() {
    let client = Client::of(FixedWindow::new(), "10/2s");
    let admitted: Vec<_> = (0..5)
        .map(|window| {
            let hits = (0..100).filter(|hit| client.at_ms(window * 2_000 + hit * 20).admits(1));
            hits.count()
        })
        .collect();
    assert_eq!(admitted, [10; 5]);
}

/// A hit is refused one microsecond before the wait has passed, and admitted afterwards (promise
/// 3).
#[test]
fn reports_exact_waits() {
    for (name, client, largest) in each() {
        let mut at = 1_234_567;
        for round in 0..60 {
            spend(client.at(at));
            let cost = round % largest + 1;
            let refused = client.hit(cost);
            assert!(!refused.admitted, "{name} was spent");
            let wait = refused.wait.expect("not never").as_micros() as u64;
            assert_eq!(refused.wait, Some(micros(wait)), "whole microseconds");
            assert!(
                !client.at(at + wait - 1).admits(cost),
                "{name}: {cost}, early"
            );
            at += wait;
            assert!(client.at(at).admits(cost), "{name}: {cost} after {wait}");
        }
    }
}

/// A cost that the law can never admit is refused for ever, whatever its size, and charges nothing
/// (promise 4).
#[test]
fn reports_impossible_costs() {
    for (name, client, largest) in each() {
        for cost in [largest + 1, 1 << 53, (1 << 53) + 1, u64::MAX - 1, u64::MAX] {
            let refused = client.hit(cost);
            assert!(!refused.admitted && refused.never(), "{name}: {cost}");
            assert!(!client.check(cost), "{name}: {cost}");
        }
        assert_eq!(client.hit(0).remaining, client.hit(0).limit, "{name}");
        assert!(client.admits(largest), "{name}: {largest}");
        for cost in [largest + 1, u64::MAX] {
            assert_eq!(client.hit(cost).wait, None, "{name}: {cost} when spent");
        }
    }
}

/// A cost of 0 is always admitted, writes nothing, and reports what `stat` reports (promise 4, L8).
#[test]
fn changes_nothing_for_a_cost_of_zero() {
    for (name, client, largest) in each() {
        for round in 0..20 {
            client.at(round * 400_009);
            let (stat, free) = (client.stat(), client.hit(0));
            assert!(
                free.admitted && free.wait == wait(0) && free.delay.is_zero(),
                "{name}"
            );
            assert_eq!(
                (free.remaining, free.reset),
                (stat.hits_remaining, stat.reset),
                "{name}"
            );
            assert_eq!(free, client.hit(0), "{name}");
            assert!(client.check(0), "{name}");
            client.hit(round % largest + 1);
        }
    }
}

/// A clock that steps back admits no more, and waits count from the clock itself (promise 5).
#[test]
fn admits_no_more_when_the_clock_steps_back() {
    for (name, client, _) in each() {
        spend(client.at(MINUTE));
        let refused = client.hit(1);
        let due = MINUTE + refused.wait.expect("not never").as_micros() as u64;
        for back in [1, 1_000_000, 4_000_000] {
            let earlier = client.at(MINUTE - back).hit(1);
            assert_eq!(
                earlier.wait,
                wait(due - (MINUTE - back)),
                "{name}, {back} µs back"
            );
            assert_eq!(client.admitted_of(20), 0, "{name}, {back} µs back");
        }
        assert!(!client.at(due - 1).admits(1), "{name}");
        assert!(client.at(due).admits(1), "{name}");
    }
}

/// Neither does a clock that steps back by more than a period, and no client is locked out for that
/// time (promise 5).
#[test]
fn locks_out_no_client_when_the_clock_steps_far_back() {
    for (name, client, _) in each() {
        for far in [MINUTE, 3_600 * MINUTE] {
            spend(client.at(far));
            let refused = client.at(100).hit(1);
            let due = 100 + refused.wait.expect("not never").as_micros() as u64;
            assert!(due <= 2 * 7_000_000, "{name}: {due}");
            assert_eq!(client.admitted_of(20), 0, "{name}");
            assert!(!client.at(due - 1).admits(1), "{name}");
            assert!(client.at(due).admits(1), "{name}");
        }
        client.at(MINUTE).hit(1);
        client.clock.set(Duration::ZERO);
        assert_eq!(client.admitted_of(20), 0, "{name} in 1970");
    }
}

/// Hits admitted behind the last tick count at that tick (promise 5).
#[test]
fn counts_hits_behind_the_last_tick() {
    for (name, client, largest) in each() {
        let other = client.other("on time");
        client.at(MINUTE).hit(1);
        other.hit(1);
        client.at(MINUTE - 2_000_000).hit(largest - 1);
        other.at(MINUTE).hit(largest - 1);
        assert_eq!(client.hit(0), other.hit(0), "{name}");
    }
}

/// A state lives until it equals the initial one: a bucket of 50 at 2 a second is not full after
/// 2.2 seconds (promise 6).
#[test]
fn keeps_a_burst_until_it_is_refilled() {
    let client = Client::of(TokenBucket::new().burst(50), "2/s");
    assert_eq!(client.admitted_of(60), 50);
    assert_eq!(client.hit(1).reset, Duration::from_secs(25));
    // Other clients come and go, which removes expired states.
    for other in 0..1_000 {
        client.at_ms(2_200).other(other.to_string()).hit(1);
    }
    assert_eq!(client.at_ms(2_200).admitted_of(60), 4);
}

/// Every state lives exactly until its reset (promise 6).
#[test]
fn keeps_states_until_their_reset() {
    for (name, client, _) in each() {
        spend(client.at(3_500_000));
        let reset = client.hit(0).reset.as_micros() as u64;
        let fresh = client.other("fresh").hit(0).remaining;
        for (at, as_new) in [(reset - 1, false), (reset, true)] {
            client.at(3_500_000 + at);
            for other in 0..1_000 {
                client.other(format!("{at} {other}")).hit(1);
            }
            let decision = client.hit(0);
            assert_eq!(
                decision.reset.is_zero(),
                as_new,
                "{name} at {at} of {reset}"
            );
            assert!(!as_new || decision.remaining == fresh, "{name}");
        }
    }
}

/// Periods over 30 days work (promise 6).
#[test]
fn limits_months_and_years() {
    const DAY: u64 = 86_400_000_000;
    for rate in ["5/31 days", "5/365d", "5/3650d"] {
        let client = Client::of(TokenBucket::new(), rate);
        assert_eq!(client.admitted_of(9), 5, "{rate}");
        assert_eq!(client.at(6 * DAY).admitted_of(9), 0, "{rate}");
    }
    let client = Client::of(FixedWindow::new(), "5/31 days");
    assert_eq!(client.admitted_of(9), 5);
    let wait = client.hit(1).wait.unwrap();
    assert!(wait > Duration::from_secs(86_400));
    assert_eq!(client.at(wait.as_micros() as u64).admitted_of(9), 5);
}

/// `stat` changes nothing and agrees with the next hit (promise 8).
#[test]
fn agrees_on_stat_and_the_next_hit() {
    for (name, client, _) in each() {
        for step in 0..400 {
            client.at(step * 210_011);
            let stat = client.stat();
            assert_eq!(stat.wait, client.stat().wait);
            let admissible = stat.wait == wait(0);
            assert_eq!(admissible, stat.hits_remaining >= 1, "{name}");
            assert_eq!(admissible, client.check(1), "{name}");
            let hit = client.hit(1);
            assert_eq!(admissible, hit.admitted, "{name} at step {step}");
            assert!(admissible || stat.wait == hit.wait, "{name} at step {step}");
        }
    }
}

/// A limit is lowered and raised again (promise 9); see [`changes`](super::changes) for the rest.
#[test]
fn applies_a_changed_rate_at_once() {
    use super::subject::{Pure, Subject};
    let mut client = Pure::new(FixedWindow::new(), "5/s".parse().unwrap());
    assert!(client.hit(0, 4).admitted);
    client.rate = "3/s".parse().unwrap();
    let refused = client.hit(1, 1);
    assert_eq!(
        (refused.admitted, refused.remaining, refused.wait),
        (false, 0, Some(999_999))
    );
    client.rate = "6/s".parse().unwrap();
    assert_eq!(client.hit(2, 1).remaining, 1);
}
