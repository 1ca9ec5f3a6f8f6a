//! The capacity of the memory backend: it stores no more keys than allowed, and evicts the right
//! ones.

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

/// Returns how many of these clients have a count.
fn stored(throttle: &DynThrottle, clients: impl Iterator<Item = u64>) -> usize {
    let full = remaining(throttle, &Identity::new("new client"));
    clients
        .filter(|client| remaining(throttle, &Identity::from(*client)) < full)
        .count()
}

#[test]
fn stores_all_keys_that_fit() {
    for capacity in [64, 100, 1_000, 5_000, 20_000] {
        for strategy in 0..4 {
            let backend = backend(capacity, &ManualClock::new());
            let (name, throttle) = each(&backend, 5)[strategy].clone();
            let clients = 0..capacity as u64;
            for client in clients.clone() {
                assert!(admits(&throttle, &Identity::from(client), 5), "{name}");
            }
            assert_eq!(stored(&throttle, clients), capacity, "{name}");
        }
    }
}

#[test]
fn stores_no_more_than_the_capacity() {
    for (capacity, shards) in [(64, 1), (1_000, 1), (1_000, 16), (9_000, 2), (20_000, 4)] {
        let settings = MemoryBackend::builder().capacity(capacity).shards(shards);
        let backend = settings.clock(ManualClock::new()).build();
        let throttle = throttle(&backend, "all", "5/h", FixedWindow::new());
        let flood = capacity as u64 * 5;
        for client in 0..flood {
            assert!(admits(&throttle, &Identity::from(client), 1));
        }
        let remembered = stored(&throttle, 0..flood);
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

/// The bound holds under concurrent threads.
#[test]
fn stores_no_more_than_the_capacity_under_concurrent_threads() {
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
    let remembered = stored(&throttle, 0..40_000);
    assert!((1_800..=2_000).contains(&remembered), "{remembered}");
}

/// Even the smallest table limits, and a set finds room for all its members.
#[test]
fn limits_with_a_capacity_of_one() {
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

/// A client that sends ever new keys does not evict the count of a limited one.
#[test]
fn keeps_a_limited_client_during_a_flood_of_new_keys() {
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

/// New clients of the flood are limited too, as long as there is room for their counts.
#[test]
fn limits_new_clients_of_a_full_table() {
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

/// Expired states are evicted before live ones.
#[test]
fn evicts_expired_keys_first() {
    let clock = ManualClock::new();
    let backend = backend(1_000, &clock);
    let short = throttle(&backend, "short", "5/s", FixedWindow::new());
    let long = throttle(&backend, "long", "5/h", FixedWindow::new());
    for client in 0..500_u64 {
        // Among all states, the live ones have the lowest counts.
        assert!(admits(&short, &Identity::from(client), 5));
        assert!(admits(&long, &Identity::from(client), 1));
    }
    clock.advance(Duration::from_secs(1));
    // A sample of a few dozen keys almost certainly contains expired ones, which are a third of
    // all.
    for client in 500..700_u64 {
        assert!(admits(&long, &Identity::from(client), 1));
    }
    assert_eq!(stored(&long, 0..700), 700);
}

/// Keys that expire soon never fill the table.
#[test]
fn reuses_expired_keys_without_a_sweep() {
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
    assert_eq!(stored(&long, 0..300), 300);
}

/// A client that came once expires under every strategy.
#[test]
fn expires_clients_that_came_once() {
    for place in 0..13 {
        let clock = ManualClock::new();
        let backend = backend(1_000, &clock);
        let long = throttle(&backend, "long", "500/365d", FixedWindow::new());
        for client in 0..300_u64 {
            assert!(admits(&long, &Identity::from(client), 1));
        }
        // 5 units an hour; two hours later no count remains under any strategy.
        let (name, once) = each(&backend, 5)[place].clone();
        for client in 0..3_000_u64 {
            clock.advance(Duration::from_secs(20));
            assert!(admits(&once, &Identity::from(client), 5), "{name}");
        }
        assert_eq!(stored(&long, 0..300), 300, "{name}");
        clock.advance(Duration::from_secs(7_200));
        assert_eq!(stored(&once, 0..3_000), 0, "{name}");
    }
}

#[test]
fn bounds_the_states_of_custom_strategies() {
    let throttle = throttle(
        &backend(1_000, &ManualClock::new()),
        "budget",
        "5/h",
        Budget::new(),
    );
    for client in 0..10_000_u64 {
        assert!(admits(&throttle, &Identity::from(client), 1));
    }
    let remembered = stored(&throttle, 0..10_000);
    assert!((900..=1_000).contains(&remembered), "{remembered}");
}

#[test]
fn keeps_a_client_limited_by_a_custom_strategy_during_a_flood() {
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
