//! What holds of every strategy, and was wrong in some elsewhere: lessons.md, by section and
//! number, with exact numbers.

use traffik::strategy::{
    CostBasedTokenBucket, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority, TimeOfDay, TokenBucket,
};
use traffik::{Backend, Identity, ManualClock};
use traffik_tests::poll_once;

use super::client::{Client, micros, wait};
use super::each::{at_once, by_ones, of_one_uid};

const HOUR: u64 = 3_600_000_000;
const DAY: u64 = 24 * HOUR;

/// C 9, 18, 33: whoever is refused 20 ms into a window of 50 is told when just one more is
/// admitted.
#[test]
fn waits_of_the_sixth_of_five() {
    for (name, client) in by_ones("5/50ms") {
        assert_eq!(client.at_ms(20).admitted_of(9), 5, "{name}");
        let due = match name {
            // 5 · (50 − 10)/50 = 4 are in sight 10 ms into the next window.
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

/// C 12: one in two seconds is one in two seconds.
#[test]
fn one_in_two_seconds() {
    for (name, client) in by_ones("1 per 2 s") {
        assert_eq!(client.admitted_of(9), 1, "{name}");
        // What is in sight of a window is less than one only when the next has passed.
        let due = if name == "sliding counter" { 4 } else { 2 };
        assert_eq!(client.hit(1).wait, wait(due * 1_000_000), "{name}");
        assert_eq!(client.at(due * 1_000_000 - 1).admitted_of(9), 0, "{name}");
        assert_eq!(client.at(due * 1_000_000).admitted_of(9), 1, "{name}");
    }
}

/// C 26, 28, 35: `stat` counts down, says a wait just where nothing is left, and counts up again
/// with time.
#[test]
fn stats_count_down_and_up() {
    for (name, client) in by_ones("5/200ms") {
        assert_eq!(client.remaining(), 5, "{name}");
        for left in (0..5).rev() {
            assert_eq!(client.stat().wait, wait(0), "{name}");
            assert!(client.admits(1), "{name}");
            assert_eq!(client.remaining(), left, "{name}");
        }
        assert!(client.stat().wait > wait(0), "{name}");
        assert_eq!(client.stat().wait, client.hit(1).wait, "{name}");
        let stat = client.at_ms(220).stat();
        // 5 · 180/200 are still in sight.
        let told = if name == "sliding counter" {
            (0, wait(20_000))
        } else {
            (5, wait(0))
        };
        assert_eq!((stat.hits_remaining, stat.wait), told, "{name}");
    }
}

/// C 20: one uid and one client under several strategies of one backend; no state is taken for
/// another's.
#[test]
fn strategies_do_not_meet() {
    let backend = Backend::memory().clock(ManualClock::new());
    for (name, builder) in of_one_uid(&backend, "5/h".parse().unwrap()) {
        let throttle = builder.build().expect("a throttle that works");
        let hits = (0..9).filter(|_| poll_once(throttle.hit(&"key".into(), 1)).unwrap().admitted);
        assert_eq!(hits.count(), 5, "{name}");
    }
}

/// A 2: what refills slowly is not forgotten when a period, or two seconds, have passed, whoever
/// else comes and goes.
#[test]
fn nothing_is_forgotten_before_it_is_refilled() {
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
        // All of it comes back at two a second, and not sooner.
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

/// A 11: periods of weeks and months, and twice as long, which are not dates.
#[test]
fn long_periods() {
    for (rate, days) in [("5/16 days", 16), ("5/31days", 31), ("5/3650d", 3_650)] {
        for (name, client) in by_ones(rate) {
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

/// A 8, B f: what is asked for at once and cannot be had at once takes nothing from those who ask
/// for less.
#[test]
fn a_cost_that_does_not_fit_takes_nothing() {
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

/// A 13: `check` and `stat` say what the next hit will be told, of a strategy whose cost is no
/// count too.
#[test]
fn a_check_is_right() {
    for (name, client) in by_ones("4/7s") {
        for step in 0..200_u64 {
            client.at(step * 310_007);
            let cost = step % 5;
            let enough = client.check(cost);
            assert_eq!(enough, client.check(cost), "{name}");
            assert_eq!(enough, client.admits(cost), "{name}: {cost} at step {step}");
        }
    }
}

/// L8: a cost of 0 is admitted where nothing else ever is, and where all is spent; it refreshes and
/// removes nothing.
#[test]
fn a_cost_of_zero_is_always_admitted() {
    let closed = TimeOfDay::new().window("00:00-24:00", 0.0);
    let client = Client::of(closed, "5/h");
    assert_eq!(client.stat().wait, None);
    assert!(client.hit(1).never() && client.admits(0) && client.check(0));
    let low = Client::of(Priority::new().low(0.0), "5/h");
    let low = low.other(Identity::new("client").priority(traffik::Priority::Low));
    assert_eq!((low.remaining(), low.stat().wait), (0, None));
    assert!(low.hit(1).never() && low.admits(0) && low.check(0));

    for (name, client) in by_ones("3/7s") {
        assert_eq!(client.admitted_of(9), 3, "{name}");
        let refused = client.hit(1);
        for at in [0, 1, 500_000, 900_000] {
            let free = client.at(at).hit(0);
            assert!(free.admitted && free.delay.is_zero(), "{name}");
            assert_eq!(free.wait, wait(0), "{name}");
            assert_eq!(free.reset + micros(at), refused.reset, "{name}");
            let told = client.hit(1).wait.map(|told| told + micros(at));
            assert_eq!(told, refused.wait, "{name}");
        }
    }
}

/// L31: the largest costs there are, alone and after others, on clocks at either end of time.
#[test]
fn the_largest_costs() {
    for (name, client) in by_ones("3/7s") {
        for at in [0, 1_700_000_000_000_000] {
            client.at(at);
            for taken in 0..=3 {
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
                    assert_eq!(refused.remaining, 3 - taken, "{name}: {cost}");
                }
                client.hit(1);
            }
        }
    }
}

/// The same behind the clock of a machine that thinks it is 1970.
#[test]
fn at_the_beginning_of_time() {
    for (name, client) in by_ones("3/7s") {
        client.clock.set(std::time::Duration::ZERO);
        assert_eq!(client.admitted_of(9), 3, "{name}");
        let due = client.hit(1).wait.expect("not never");
        client.clock.set(due.saturating_sub(micros(1)));
        assert!(!client.admits(1), "{name}");
        client.clock.set(due);
        assert!(client.admits(1), "{name}");
    }
}
