//! Floods of new keys, and which limited clients survive them.

use std::time::Duration;

use traffik::strategy::{FixedWindow, Gcra, SlidingLog, Strategy, TokenBucket};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity, ManualClock, MemoryBackend};

use super::admits;

const CAPACITY: usize = 1_000;
const VICTIMS: u64 = 200;

/// The number of flooding clients: many times the capacity.
const FLOOD: u64 = 10_000;

/// A flood of one throttle.
struct Flood {
    name: &'static str,
    /// The flooding throttle.
    build: fn(DynThrottleBuilder) -> DynThrottleBuilder,
    /// The cost that brings a client to its limit.
    limit: u64,
    /// The cost of each hit of the flood.
    cost: u64,
    /// Another throttle whose states share the table.
    other: fn(DynThrottleBuilder) -> DynThrottleBuilder,
}

const FLOODS: [Flood; 6] = [
    Flood {
        name: "windows of 1",
        build: |builder| with_strategy(builder, "1/h", FixedWindow::new()),
        limit: 1,
        cost: 1,
        other: windows_of_5,
    },
    Flood {
        name: "windows of 5",
        build: windows_of_5,
        limit: 5,
        cost: 1,
        other: windows_of_5,
    },
    Flood {
        // Twice the rate's limit, and a fiftieth of the bucket's capacity.
        name: "buckets with a large burst",
        build: |builder| with_strategy(builder, "10/h", TokenBucket::new().burst(1_000)),
        limit: 1_000,
        cost: 20,
        other: windows_of_5,
    },
    Flood {
        // One hit, a fifth of the rate, brings the client to its limit.
        name: "gcra",
        build: |builder| with_strategy(builder, "5/h", Gcra::new()),
        limit: 1,
        cost: 1,
        other: windows_of_5,
    },
    Flood {
        name: "logs",
        build: logs_of_5,
        limit: 5,
        cost: 4,
        other: logs_of_5,
    },
    Flood {
        name: "lists",
        build: |builder| {
            with_strategy(builder, "5/h", FixedWindow::new()).rate("100/d".parse().unwrap())
        },
        limit: 5,
        cost: 5,
        other: logs_of_5,
    },
];

fn with_strategy(
    builder: DynThrottleBuilder,
    rate: &str,
    strategy: impl Strategy,
) -> DynThrottleBuilder {
    builder.rate(rate.parse().unwrap()).strategy(strategy)
}

fn windows_of_5(builder: DynThrottleBuilder) -> DynThrottleBuilder {
    with_strategy(builder, "5/h", FixedWindow::new())
}

fn logs_of_5(builder: DynThrottleBuilder) -> DynThrottleBuilder {
    with_strategy(builder, "5/h", SlidingLog::new())
}

/// Limits some clients of one throttle, floods another or the same, and returns how many of them
/// are admitted again.
fn evicted(flood: &Flood, is_by_another: bool) -> u64 {
    let clock = ManualClock::new();
    let settings = MemoryBackend::builder().capacity(CAPACITY);
    let backend = settings.clock(clock.clone()).build();
    let flooding = throttle(&backend, "flooding", flood.build);
    let (limited, limit) = if is_by_another {
        (throttle(&backend, "limited", flood.other), 5)
    } else {
        (flooding.clone(), flood.limit)
    };
    let victims = || (0..VICTIMS).map(Identity::from);
    for victim in victims() {
        assert!(admits(&limited, &victim, limit));
        assert!(!admits(&limited, &victim, 1));
    }
    for client in (VICTIMS..VICTIMS + FLOOD).map(Identity::from) {
        clock.advance(Duration::from_millis(1));
        assert!(admits(&flooding, &client, flood.cost));
    }
    victims()
        .filter(|victim| admits(&limited, victim, 1))
        .count() as u64
}

fn throttle(
    backend: &Backend,
    uid: &str,
    build: fn(DynThrottleBuilder) -> DynThrottleBuilder,
) -> DynThrottle {
    let builder = build(DynThrottle::builder(uid)).backend(backend.clone());
    builder.build().unwrap()
}

/// The guarantee of `MemoryBackend::capacity`, for floods of every kind.
#[test]
fn keeps_clients_limited_that_were_limited_before_a_flood() {
    let mut lost = Vec::new();
    for flood in &FLOODS {
        for (is_by_another, by) in [(false, "the same throttle"), (true, "another")] {
            let forgotten = evicted(flood, is_by_another);
            if forgotten > 0 {
                lost.push(format!("{} by {by}: {forgotten} of {VICTIMS}", flood.name));
            }
        }
    }
    assert!(lost.is_empty(), "forgotten: {lost:#?}");
}

/// Of 1 000 limited clients all keep their counts while a million new keys pass, a hundred times
/// the capacity. The benchmark `churn` has fifty million.
#[test]
fn keeps_a_thousand_limited_clients_while_a_million_keys_pass() {
    const LIMITED: u64 = 1_000;
    let clock = ManualClock::new();
    let settings = MemoryBackend::builder().capacity(10_000);
    let throttle = throttle(&settings.clock(clock.clone()).build(), "all", windows_of_5);
    let limited = || (0..LIMITED).map(Identity::from);
    for _ in 0..5 {
        assert!(limited().all(|client| admits(&throttle, &client, 1)));
    }
    for client in (LIMITED..LIMITED + 1_000_000).map(Identity::from) {
        clock.advance(Duration::from_micros(1));
        assert!(admits(&throttle, &client, 1));
    }
    let forgotten = limited().filter(|client| admits(&throttle, client, 1));
    assert_eq!(forgotten.count(), 0);
}
