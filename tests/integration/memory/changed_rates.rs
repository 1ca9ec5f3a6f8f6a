//! Rates that change from one to a list and back: no count is lost (L30).

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use traffik::{Backend, DynThrottle, Identity, ManualClock, Rate, registry};
use traffik_tests::poll_once;

use super::{admits, each_named, remaining};

const LIMIT: u64 = 10;
const ONE: [Rate; 1] = [Rate::per_hour(LIMIT)];
const LIST: [Rate; 2] = [Rate::per_hour(LIMIT), Rate::per_day(100)];

/// Builds a throttle of ten an hour for every strategy, with its uid. The clock is stopped, so no
/// strategy refills.
fn throttles(test: &str) -> Vec<(String, DynThrottle)> {
    let backend = Backend::memory().clock(ManualClock::new());
    let each = each_named(&format!("{test}::"), &backend, LIMIT);
    let named = each.map(|(name, throttle)| (format!("{test}::{name}"), throttle));
    named.into()
}

fn set(uid: &str, rates: &[Rate]) {
    registry().set_rate(uid, rates.to_vec()).unwrap();
}

/// Returns how many single hits are admitted, of more than can be.
fn admitted(throttle: &DynThrottle, client: &Identity) -> u64 {
    let hits = (0..2 * LIMIT).filter(|_| admits(throttle, client, 1));
    hits.count() as u64
}

/// Asserts that `stat`, `check` and hits agree on the remaining units.
fn assert_left(uid: &str, throttle: &DynThrottle, client: &Identity, left: u64) {
    // GCRA admits one hit of any cost as long as it admits one of cost 1.
    assert_eq!(remaining(throttle, client), left, "{uid}: stat");
    let one = poll_once(throttle.check(client, 1)).unwrap();
    assert_eq!(one, left > 0, "{uid}: check");
    assert_eq!(admitted(throttle, client), left, "{uid}: hits");
}

#[test]
fn keeps_the_count_from_a_list_to_one_rate() {
    for (uid, throttle) in throttles("list to one") {
        let client = Identity::new("client");
        assert!(admits(&throttle, &client, 1));
        set(&uid, &LIST);
        for _ in 0..3 {
            assert!(admits(&throttle, &client, 1), "{uid}");
        }
        set(&uid, &ONE);
        assert_left(&uid, &throttle, &client, 6);
    }
}

#[test]
fn keeps_the_count_when_the_rate_is_reset() {
    for (uid, throttle) in throttles("reset") {
        let client = Identity::new("client");
        set(&uid, &LIST);
        for _ in 0..3 {
            assert!(admits(&throttle, &client, 1), "{uid}");
        }
        registry().reset(&uid).unwrap();
        assert_left(&uid, &throttle, &client, 7);
    }
}

/// A client that was only refused under the list has spent its budget all the same.
#[test]
fn keeps_the_count_of_a_client_that_a_list_only_refused() {
    for (uid, throttle) in throttles("refused by a list") {
        let client = Identity::new("client");
        assert_eq!(admitted(&throttle, &client), LIMIT);
        set(&uid, &LIST);
        assert!(!admits(&throttle, &client, 1), "{uid}");
        set(&uid, &ONE);
        assert_left(&uid, &throttle, &client, 0);
    }
}

/// A refused hit and a read write nothing (L33): the list's other member keeps its count.
#[test]
fn keeps_the_list_until_a_hit_is_admitted_under_one_rate() {
    for (uid, throttle) in throttles("looked at") {
        if uid.ends_with("gcra") {
            // GCRA admits one a day early, not fifteen.
            continue;
        }
        let client = Identity::new("client");
        let list = [Rate::per_hour(LIMIT), Rate::per_day(LIMIT + 5)];
        set(&uid, &list);
        assert_eq!(admitted(&throttle, &client), LIMIT, "{uid}");
        set(&uid, &ONE);
        assert_left(&uid, &throttle, &client, 0);
        set(&uid, &list);
        let stat = poll_once(throttle.stat(&client)).unwrap();
        assert_eq!(stat.members[1].hits_remaining, 5, "{uid}");
    }
}

/// While rates change from one to a list and back, no client gets more than its limit.
#[test]
fn admits_no_more_while_rates_change() {
    const CLIENTS: u64 = 60;
    for (uid, throttle) in throttles("racing") {
        let over = AtomicBool::new(false);
        let counts = thread::scope(|scope| {
            let changes = scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    for rates in [&LIST[..], &ONE] {
                        set(&uid, rates);
                        thread::yield_now();
                    }
                }
            });
            let hitting = [(); 3].map(|()| {
                scope.spawn(|| {
                    let mut admitted = [0; CLIENTS as usize];
                    for _ in 0..LIMIT {
                        for client in 0..CLIENTS {
                            admitted[client as usize] +=
                                u64::from(admits(&throttle, &client.into(), 1));
                        }
                    }
                    admitted
                })
            });
            let counts = hitting.map(|thread| thread.join().unwrap());
            over.store(true, Ordering::Relaxed);
            changes.join().unwrap();
            counts
        });
        for client in 0..CLIENTS as usize {
            let admitted: u64 = counts.iter().map(|counts| counts[client]).sum();
            assert_eq!(admitted, LIMIT, "{uid}: client {client}");
        }
    }
}
