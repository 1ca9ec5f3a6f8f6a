//! Common mistakes of rate limiters that every strategy avoids, with exact numbers.

use traffik::strategy::{
    CostBasedTokenBucket, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority, TimeOfDay, TokenBucket,
};
use traffik::{Backend, Identity, ManualClock};
use traffik_tests::poll_once;

use super::client::{Client, micros, wait};
use super::every_strategy::{at_once, by_single_hits, of_one_uid};

const HOUR: u64 = 3_600_000_000;
const DAY: u64 = 24 * HOUR;

/// A client that is refused 20 ms into a window of 50 gets the exact time of the next admission.
#[test]
fn reports_the_exact_wait_of_the_sixth_of_five() {
    for (name, client) in by_single_hits("5/50ms") {
        assert_eq!(client.at_ms(20).admitted_of(9), 5, "{name}");
        let due = match name {
            // 5 · (50 − 10)/50 = 4 still count 10 ms into the next window.
            "sliding counter" => 60,
            "sliding log" | "priority" => 70,
            "token bucket" | "leaky bucket" | "queue" | "cost based" | "gcra" => 30,
            _ => 50,
        };
        assert_eq!(client.hit(1).wait, wait((due - 20) * 1_000), "{name}");
        assert_eq!(client.at(due * 1_000 - 1).admitted_of(9), 0, "{name}");
        assert!(client.at_ms(due).admits(1), "{name}");
    }
}

/// One in two seconds is one in two seconds.
#[test]
fn admits_one_in_two_seconds() {
    for (name, client) in by_single_hits("1 per 2 s") {
        assert_eq!(client.admitted_of(9), 1, "{name}");
        // The weight of a window is below one only when the next has passed.
        let due = if name == "sliding counter" { 4 } else { 2 };
        assert_eq!(client.hit(1).wait, wait(due * 1_000_000), "{name}");
        assert_eq!(client.at(due * 1_000_000 - 1).admitted_of(9), 0, "{name}");
        assert_eq!(client.at(due * 1_000_000).admitted_of(9), 1, "{name}");
    }
}

/// `stat` counts down, reports a wait only if nothing remains, and counts up with time.
#[test]
fn counts_down_and_up_in_stats() {
    for (name, client) in by_single_hits("5/200ms") {
        assert_eq!(client.remaining(), 5, "{name}");
        for left in (0..5).rev() {
            assert_eq!(client.stat().wait, wait(0), "{name}");
            assert!(client.admits(1), "{name}");
            assert_eq!(client.remaining(), left, "{name}");
        }
        assert!(client.stat().wait > wait(0), "{name}");
        assert_eq!(client.stat().wait, client.hit(1).wait, "{name}");
        let stat = client.at_ms(220).stat();
        // 5 · 180/200 still count.
        let verdict = if name == "sliding counter" {
            (0, wait(20_000))
        } else {
            (5, wait(0))
        };
        assert_eq!((stat.hits_remaining, stat.wait), verdict, "{name}");
    }
}

/// One uid and one client under several strategies of one backend; no state is taken for another's.
#[test]
fn separates_strategies() {
    let backend = Backend::memory().clock(ManualClock::new());
    for (name, builder) in of_one_uid(&backend, "5/h".parse().unwrap()) {
        let throttle = builder.build().expect("a throttle that works");
        let hits = (0..9).filter(|_| poll_once(throttle.hit(&"key".into(), 1)).unwrap().admitted);
        assert_eq!(hits.count(), 5, "{name}");
    }
}

/// A state that refills slowly outlives a period and two seconds, whatever other clients do.
#[test]
fn keeps_states_until_they_are_refilled() {
    let tolerance = micros(24_500_000);
    let clients = [
        ("bucket", Client::of(TokenBucket::new().burst(50), "2/s")),
        (
            "debt",
            Client::of(TokenBucket::new().burst(1).debt(49), "2/s"),
        ),
        (
            "cost based",
            Client::of(CostBasedTokenBucket::new().burst(50), "2/s"),
        ),
        ("leaky", Client::of(LeakyBucket::new().capacity(50), "2/s")),
        (
            "queue",
            Client::of(LeakyBucketWithQueue::new().queue_size(50), "2/s"),
        ),
        (
            "gcra",
            Client::of(Gcra::new().burst_tolerance(tolerance), "2/s"),
        ),
    ];
    for (name, client) in clients {
        assert_eq!(client.admitted_of(60), 50, "{name}");
        // The whole burst is refilled at two a second, and not sooner.
        for (at, due) in [
            (2_200, 4),
            (2_300, 0),
            (12_200, 20),
            (36_700, 49),
            (61_700, 50),
        ] {
            for other in 0..500 {
                client.at_ms(at).other(format!("{at} {other}")).hit(1);
            }
            assert_eq!(client.at_ms(at).admitted_of(60), due, "{name} at {at} ms");
        }
    }
}

/// Periods of weeks and months, and twice as long, are not taken for dates.
#[test]
fn limits_long_periods() {
    for (rate, days) in [("5/16 days", 16), ("5/31days", 31), ("5/3650d", 3_650)] {
        for (name, client) in by_single_hits(rate) {
            assert_eq!(client.admitted_of(9), 5, "{name}, {rate}");
            assert_eq!(client.at(DAY).admitted_of(9), 0, "{name}, {rate}");
            assert_eq!(
                client.at(2 * days * DAY).admitted_of(9),
                5,
                "{name}, {rate}"
            );
        }
    }
}

/// A cost that does not fit charges nothing from smaller ones.
#[test]
fn charges_nothing_for_a_cost_that_does_not_fit() {
    for (name, client) in at_once("10/h") {
        assert!(client.admits(4), "{name}");
        for cost in [7, 10, 11, 1 << 53, u64::MAX] {
            let refused = client.hit(cost);
            assert!(!refused.admitted, "{name}: {cost}");
            assert_eq!(refused.never(), cost > 10, "{name}: {cost}");
            assert_eq!(refused.remaining, 6, "{name}: {cost}");
        }
        assert!(client.admits(6) && !client.admits(1), "{name}");
    }
}

/// `check` and `stat` agree with the next hit, also if a strategy's cost is no count.
#[test]
fn agrees_on_check_and_hit() {
    for (name, client) in by_single_hits("4/7s") {
        for step in 0..200_u64 {
            client.at(step * 310_007);
            let cost = step % 5;
            let enough = client.check(cost);
            assert_eq!(enough, client.check(cost), "{name}");
            assert_eq!(enough, client.admits(cost), "{name}: {cost} at step {step}");
        }
    }
}

/// A cost of 0 is always admitted, and neither refreshes nor removes a state (L8).
#[test]
fn always_admits_a_cost_of_zero() {
    let closed = TimeOfDay::new().window("00:00-24:00", 0.0);
    let client = Client::of(closed, "5/h");
    assert_eq!(client.stat().wait, None);
    assert!(client.hit(1).never() && client.admits(0) && client.check(0));
    let low = Client::of(Priority::new().low(0.0), "5/h");
    let low = low.other(Identity::new("client").priority(traffik::Priority::Low));
    assert_eq!((low.remaining(), low.stat().wait), (0, None));
    assert!(low.hit(1).never() && low.admits(0) && low.check(0));

    for (name, client) in by_single_hits("3/7s") {
        assert_eq!(client.admitted_of(9), 3, "{name}");
        let refused = client.hit(1);
        for at in [0, 1, 500_000, 900_000] {
            let free = client.at(at).hit(0);
            assert!(free.admitted && free.delay.is_zero(), "{name}");
            assert_eq!(free.wait, wait(0), "{name}");
            assert_eq!(free.reset + micros(at), refused.reset, "{name}");
            let verdict = client.hit(1).wait.map(|verdict| verdict + micros(at));
            assert_eq!(verdict, refused.wait, "{name}");
        }
    }
}

/// The largest costs, alone and after others, on clocks at either end of time (L31).
#[test]
fn saturates_the_largest_costs() {
    for (name, client) in by_single_hits("3/7s") {
        for at in [0, 1_700_000_000_000_000] {
            client.at(at);
            for spent in 0..=3 {
                for cost in [
                    u64::from(u32::MAX),
                    1 << 53,
                    (1 << 63) + 1,
                    u64::MAX - 1,
                    u64::MAX,
                ] {
                    let refused = client.hit(cost);
                    assert!(!refused.admitted && refused.never(), "{name}: {cost}");
                    assert!(!client.check(cost), "{name}: {cost}");
                    assert_eq!(refused.remaining, 3 - spent, "{name}: {cost}");
                }
                client.hit(1);
            }
        }
    }
}

/// The largest costs on a clock that starts in 1970.
#[test]
fn saturates_at_the_beginning_of_time() {
    for (name, client) in by_single_hits("3/7s") {
        client.clock.set(std::time::Duration::ZERO);
        assert_eq!(client.admitted_of(9), 3, "{name}");
        let due = client.hit(1).wait.expect("not never");
        client.clock.set(due.saturating_sub(micros(1)));
        assert!(!client.admits(1), "{name}");
        client.clock.set(due);
        assert!(client.admits(1), "{name}");
    }
}
