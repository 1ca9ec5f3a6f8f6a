//! The wait of a list or a set is the least moment at which all its members admit (L6).

use traffik::strategy::{FixedWindow, TimeOfDay};
use traffik::{Backend, Decision, ManualClock, Throttle};
use traffik_tests::poll_once;

use super::client::{Client, micros, wait};

const MINUTE: u64 = 60_000_000;
/// The time from 01:46:40, where the clock starts, to midnight.
const MIDNIGHT: u64 = 86_400_000_000 - 6_400_000_000;

/// Returns the first whole minute from now on at which a list admits a cost.
fn first_minute(client: &Client, now: u64, cost: u64) -> u64 {
    let minutes = (now / MINUTE + 1..).map(|minute| minute * MINUTE);
    let mut admitting = minutes.filter(|at| client.at(MIDNIGHT + at).check(cost));
    admitting.next().expect("there is one")
}

/// If limits do not move, the member with the longest wait determines that of the list (L6).
#[test]
fn waits_for_the_longest_member_of_a_list() {
    let client = Client::of(FixedWindow::new(), "2/30m;3/2h;4/5h");
    for now in [0, 7, 31, 95, 121, 200, 299, 300, 431].map(|minute| minute * MINUTE) {
        while client.at(MIDNIGHT + now).admits(1) {}
        for cost in [1, 2] {
            let refused = client.at(MIDNIGHT + now).hit(cost);
            let due = first_minute(&client, now, cost);
            assert_eq!(refused.wait, wait(due - now), "{cost} at {now}");
        }
    }
}

/// If a limit shrinks again by itself, all members have to admit at the reported moment (L6).
#[test]
fn waits_until_all_members_of_a_list_admit() {
    // Hours count twice from 09:00 to 10:00. Windows that start ten minutes later every day do so,
    // the first time, from 08:10 of that day on, when the hour is closed.
    let hours = TimeOfDay::new().window("08:10-09:30", 2.0);
    let client = Client::of(hours, "1/h;1/1450m");
    let refused = client.at(MIDNIGHT).hit(2);
    let due = first_minute(&client, 0, 2);
    assert_eq!(refused.wait, wait(due));
}

traffik::throttles! {
    throttle Office(rate = "1/30m", strategy = time_of_day(windows = ["08:00-09:00" = 2.0]), identifier = everyone);
    throttle Thrice(rate = "2/3h", identifier = everyone);
}

/// At 09:00 one member of the set has room again and the other is closed; both are open at 08:00
/// the next day.
#[test]
fn waits_until_all_members_of_a_set_admit() {
    let clock = ManualClock::new();
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts
        .extensions
        .insert(Backend::memory().clock(clock.clone()));
    let start = clock.now() + micros(MIDNIGHT);
    let at = |minutes: u64| clock.set(start + micros(minutes * MINUTE));
    let hit = |cost| poll_once(<(Office, Thrice)>::hit_cost(&parts, cost)).expect("it decides");
    at(7 * 60 + 30);
    let one: Decision = poll_once(Thrice::hit_cost(&parts, 1)).expect("it decides");
    assert!(one.admitted);
    let refused = hit(2);
    assert!(!refused.admitted);
    at(9 * 60);
    assert!(!hit(2).admitted, "one is closed");
    at(32 * 60);
    assert!(hit(2).admitted);
    assert_eq!(refused.wait, wait((24 * 60 + 30) * MINUTE));
}
