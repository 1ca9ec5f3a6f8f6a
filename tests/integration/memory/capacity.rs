//! How many keys are remembered: never more than was allowed, and the right ones.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use traffik::strategy::{FixedWindow, Strategy};
use traffik::{Backend, DynThrottle, Identity, ManualClock, MemoryBackend, Rate};
use traffik_tests::Budget;

use super::{admits, each, remaining};

fn backend(capacity: usize, clock: &ManualClock) -> Backend {
    let settings = MemoryBackend::builder().capacity(capacity);
    settings.clock(clock.clone()).build()
}

fn throttle(backend: &Backend, uid: &str, rate: &str, strategy: impl Strategy) -> DynThrottle {
    let throttle = DynThrottle::builder(uid).rate(rate.parse().unwrap());
    throttle
        .strategy(strategy)
        .backend(backend.clone())
        .build()
        .unwrap()
}

/// How many of these clients have something taken.
fn remembered(throttle: &DynThrottle, clients: impl Iterator<Item = u64>) -> usize {
    let full = remaining(throttle, &Identity::new("nobody"));
    clients
        .filter(|client| remaining(throttle, &Identity::from(*client)) < full)
        .count()
}

#[test]
fn as_many_as_fit_are_all_remembered() {
    for capacity in [64, 100, 1_000, 5_000, 20_000] {
        for strategy in 0..4 {
            let backend = backend(capacity, &ManualClock::new());
            let (name, throttle) = each(&backend, 5)[strategy].clone();
            let clients = 0..capacity as u64;
            for client in clients.clone() {
                assert!(admits(&throttle, &Identity::from(client), 5), "{name}");
            }
            assert_eq!(remembered(&throttle, clients), capacity, "{name}");
        }
    }
}

#[test]
fn never_more_than_fit() {
    for (capacity, shards) in [(64, 1), (1_000, 1), (1_000, 16), (9_000, 2), (20_000, 4)] {
        let settings = MemoryBackend::builder().capacity(capacity).shards(shards);
        let backend = settings.clock(ManualClock::new()).build();
        let throttle = throttle(&backend, "all", "5/h", FixedWindow::new());
        let flood = capacity as u64 * 5;
        for client in 0..flood {
            assert!(admits(&throttle, &Identity::from(client), 1));
        }
        let remembered = remembered(&throttle, 0..flood);
        assert!(
            remembered <= capacity,
            "{remembered} of {capacity} in {shards} shards"
        );
        assert!(
            remembered > capacity * 9 / 10,
            "only {remembered} of {capacity} in {shards} shards"
        );
    }
}

/// The bound holds whatever threads do at once.
#[test]
fn never_more_than_fit_from_several_threads() {
    let throttle = throttle(
        &backend(2_000, &ManualClock::new()),
        "all",
        "5/h",
        FixedWindow::new(),
    );
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    let client = next.fetch_add(1, Ordering::Relaxed);
                    assert!(admits(&throttle, &Identity::from(client), 1));
                }
            });
        }
    });
    let remembered = remembered(&throttle, 0..40_000);
    assert!((1_800..=2_000).contains(&remembered), "{remembered}");
}

/// However small it is made, it limits, and a set finds room for all its members.
#[test]
fn a_capacity_of_one() {
    for capacity in [0, 1, 2] {
        let backend = backend(capacity, &ManualClock::new());
        for (name, throttle) in each(&backend, 3) {
            let client = Identity::new(name);
            assert_eq!(
                (0..9).filter(|_| admits(&throttle, &client, 1)).count(),
                3,
                "{name}"
            );
        }
        let rates = (1..=12).map(|days| Rate::new(3, Duration::from_secs(days * 86_400)));
        let listed = rates.fold(
            DynThrottle::builder("listed"),
            traffik::DynThrottleBuilder::rate,
        );
        let listed = listed.backend(backend).build().unwrap();
        assert_eq!(
            (0..9)
                .filter(|_| admits(&listed, &"client".into(), 1))
                .count(),
            3
        );
    }
}

/// Lessons B i: whoever sends from ever new keys does not get the count of a limited one forgotten.
#[test]
fn a_flood_of_new_keys_does_not_reset_a_limited_client() {
    for (name, throttle) in each(&backend(1_000, &ManualClock::new()), 5) {
        let limited = Identity::new("limited");
        assert!(admits(&throttle, &limited, 5));
        for client in 0..100_000_u64 {
            assert!(admits(&throttle, &Identity::from(client), 1), "{name}");
            if client % 1_000 == 0 {
                assert!(!admits(&throttle, &limited, 1), "{name}, after {client}");
            }
        }
        assert!(!admits(&throttle, &limited, 1), "{name}");
    }
}

/// Who comes in the flood is limited too, for as long as there is room to know.
#[test]
fn a_full_table_still_limits_who_is_new() {
    let throttle = throttle(
        &backend(1_000, &ManualClock::new()),
        "all",
        "5/h",
        FixedWindow::new(),
    );
    for client in (0..20_000_u64).map(Identity::from) {
        assert_eq!((0..7).filter(|_| admits(&throttle, &client, 1)).count(), 5);
    }
}

/// What has expired goes before anything that matters.
#[test]
fn expired_keys_go_first() {
    let clock = ManualClock::new();
    let backend = backend(1_000, &clock);
    let short = throttle(&backend, "short", "5/s", FixedWindow::new());
    let long = throttle(&backend, "long", "5/h", FixedWindow::new());
    for client in 0..500_u64 {
        // Of all that are there, those that matter have the least taken.
        assert!(admits(&short, &Identity::from(client), 5));
        assert!(admits(&long, &Identity::from(client), 1));
    }
    clock.advance(Duration::from_secs(1));
    // While a few dozen keys hold some that have expired, which a third does all but certainly.
    for client in 500..700_u64 {
        assert!(admits(&long, &Identity::from(client), 1));
    }
    assert_eq!(remembered(&long, 0..700), 700);
}

/// Keys that come and go, each expired before long, never fill it.
#[test]
fn expired_keys_make_room_without_a_sweep() {
    let clock = ManualClock::new();
    let backend = backend(1_000, &clock);
    let short = throttle(&backend, "short", "5/s", FixedWindow::new());
    let long = throttle(&backend, "long", "5/h", FixedWindow::new());
    for client in 0..300_u64 {
        assert!(admits(&long, &Identity::from(client), 1));
    }
    for client in 0..50_000_u64 {
        clock.advance(Duration::from_millis(4));
        assert!(admits(&short, &Identity::from(client), 5));
    }
    assert_eq!(remembered(&long, 0..300), 300);
}

/// Lessons B b: who came once is forgotten once that no longer matters, under every strategy.
#[test]
fn who_came_once_expires() {
    for place in 0..13 {
        let clock = ManualClock::new();
        let backend = backend(1_000, &clock);
        let long = throttle(&backend, "long", "500/365d", FixedWindow::new());
        for client in 0..300_u64 {
            assert!(admits(&long, &Identity::from(client), 1));
        }
        // Of an hour's five; two hours later nothing is left of it, whatever the strategy.
        let (name, once) = each(&backend, 5)[place].clone();
        for client in 0..3_000_u64 {
            clock.advance(Duration::from_secs(20));
            assert!(admits(&once, &Identity::from(client), 5), "{name}");
        }
        assert_eq!(remembered(&long, 0..300), 300, "{name}");
        clock.advance(Duration::from_secs(7_200));
        assert_eq!(remembered(&once, 0..3_000), 0, "{name}");
    }
}

#[test]
fn states_of_custom_laws_are_bounded_too() {
    let throttle = throttle(
        &backend(1_000, &ManualClock::new()),
        "budget",
        "5/h",
        Budget::new(),
    );
    for client in 0..10_000_u64 {
        assert!(admits(&throttle, &Identity::from(client), 1));
    }
    let remembered = remembered(&throttle, 0..10_000);
    assert!((900..=1_000).contains(&remembered), "{remembered}");
}

#[test]
fn a_flood_does_not_reset_a_client_that_a_custom_law_limits() {
    let clock = ManualClock::new();
    let throttle = throttle(&backend(1_000, &clock), "budget", "5/h", Budget::new());
    let limited = Identity::new("limited");
    assert!(admits(&throttle, &limited, 5));
    for client in 0..20_000_u64 {
        clock.advance(Duration::from_micros(1));
        assert!(admits(&throttle, &Identity::from(client), 1));
        assert!(!admits(&throttle, &limited, 1), "after {client}");
    }
}
