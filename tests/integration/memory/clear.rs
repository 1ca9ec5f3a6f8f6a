//! `clear` removes every state, whatever its form, also those that are being decided.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use traffik::strategy::{FixedWindow, SlidingLog};
use traffik::{Backend, DynThrottle, Identity, ManualClock, Rate};
use traffik_tests::{Budget, poll_once};

use super::{admits, each, remaining};

#[test]
fn clears_the_states_of_every_strategy() {
    let backend = Backend::memory().clock(ManualClock::new());
    for (name, throttle) in each(&backend, 5) {
        for client in 0..200_u64 {
            assert!(admits(&throttle, &client.into(), 5), "{name}");
            assert!(!admits(&throttle, &client.into(), 5), "{name}");
        }
    }
    poll_once(backend.clear()).unwrap();
    for (name, throttle) in each(&backend, 5) {
        for client in 0..200_u64 {
            assert_eq!(remaining(&throttle, &client.into()), 5, "{name}");
            assert!(admits(&throttle, &client.into(), 5), "{name}");
            assert!(!admits(&throttle, &client.into(), 5), "{name}");
        }
    }
}

#[test]
fn clears_the_states_of_lists_of_rates() {
    let backend = Backend::memory().clock(ManualClock::new());
    let rates = |builder: traffik::DynThrottleBuilder| {
        builder.rate(Rate::per_hour(5)).rate(Rate::per_day(9))
    };
    let windows = rates(DynThrottle::builder("windows").strategy(FixedWindow::new()));
    let logs = rates(DynThrottle::builder("logs").strategy(SlidingLog::new()));
    let client = Identity::new("client");
    for throttle in [windows, logs] {
        let throttle = throttle.backend(backend.clone()).build().unwrap();
        assert!(admits(&throttle, &client, 5) && !admits(&throttle, &client, 1));
        poll_once(backend.clear()).unwrap();
        assert_eq!(remaining(&throttle, &client), 5);
    }
}

#[test]
fn clears_the_states_of_custom_strategies() {
    let backend = Backend::memory().clock(ManualClock::new());
    let throttle = DynThrottle::builder("budget").rate(Rate::per_day(1));
    let throttle = throttle.strategy(Budget::new()).backend(backend.clone());
    let (throttle, client) = (throttle.build().unwrap(), Identity::new("client"));
    assert!(admits(&throttle, &client, 1) && !admits(&throttle, &client, 1));
    poll_once(backend.clear()).unwrap();
    assert!(admits(&throttle, &client, 1));
}

/// Handles with other clocks share the states; the states of another backend stay.
#[test]
fn clears_this_backend_only() {
    let (one, other) = (Backend::memory(), Backend::memory());
    let throttle = |backend: &Backend| {
        let builder = DynThrottle::builder("clear::only").rate(Rate::per_day(1));
        builder.backend(backend.clone()).build().unwrap()
    };
    let client = Identity::new("client");
    assert!(admits(&throttle(&one), &client, 1) && admits(&throttle(&other), &client, 1));
    poll_once(one.clone().clock(ManualClock::new()).clear()).unwrap();
    assert_eq!(remaining(&throttle(&one), &client), 1);
    assert_eq!(remaining(&throttle(&other), &client), 0);
}

/// Between two calls of `clear` each client gets its limit once, also in hits that run during the
/// call: in the table, in the overflow map, and in sets of both, whose slots are locked or about to
/// be created.
#[test]
fn grants_at_most_one_budget_per_clear() {
    const LIMIT: u64 = 50;
    const CLIENTS: u64 = 40;
    const CLEARS: u64 = 200;
    let backend = Backend::memory().clock(ManualClock::new());
    let windows = DynThrottle::builder("clear::windows").rate(Rate::per_day(50));
    let windows = windows.backend(backend.clone()).build().unwrap();
    let lists = DynThrottle::builder("clear::lists").rate(Rate::per_day(50));
    let lists = lists
        .rate("50/2d".parse().unwrap())
        .backend(backend.clone());
    let lists = lists.build().unwrap();
    let (over, admitted) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for throttle in [&windows, &lists, &windows, &lists] {
            scope.spawn(|| {
                let mut client = 0;
                while !over.load(Ordering::Relaxed) {
                    client = (client + 1) % CLIENTS;
                    if admits(throttle, &client.into(), 1) {
                        admitted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        for _ in 0..CLEARS {
            poll_once(backend.clear()).unwrap();
            thread::yield_now();
        }
        over.store(true, Ordering::Relaxed);
    });
    // Two throttles, with one budget each before the first call and after every call.
    let max = 2 * LIMIT * CLIENTS * (CLEARS + 1);
    assert!(admitted.load(Ordering::Relaxed) <= max);
    poll_once(backend.clear()).unwrap();
    for client in 0..CLIENTS {
        for throttle in [&windows, &lists] {
            assert_eq!(remaining(throttle, &client.into()), LIMIT);
            assert!(admits(throttle, &client.into(), LIMIT));
            assert!(!admits(throttle, &client.into(), 1));
        }
    }
}
