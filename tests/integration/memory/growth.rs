//! A table that grows and shrinks under hits: no key is lost, doubled or mistaken for another.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use traffik::{Backend, DynThrottle, Identity, ManualClock, Rate};

use super::{admits, remaining};

const THREADS: u64 = 4;

fn throttle(backend: Backend, rate: Rate) -> DynThrottle {
    let throttle = DynThrottle::builder("growing").rate(rate).backend(backend);
    throttle.build().expect("a throttle that works")
}

/// Every thread hits every key in an order of its own; afterwards each key has exactly those hits.
#[test]
fn counts_every_key_exactly() {
    const KEYS: u64 = 12_000;
    let throttle = throttle(
        Backend::memory().clock(ManualClock::new()),
        Rate::per_hour(1_000),
    );
    let together = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (throttle, together) = (&throttle, &together);
            scope.spawn(move || {
                together.wait();
                // Steps that are coprime to the number of keys reach all keys.
                let step = [1, 7, 4_999, KEYS - 1][thread as usize];
                for place in 0..KEYS {
                    let key = Identity::from(place * step % KEYS);
                    assert!(admits(throttle, &key, 1) && admits(throttle, &key, 2));
                }
            });
        }
    });
    for key in 0..KEYS {
        assert_eq!(
            remaining(&throttle, &key.into()),
            1_000 - 3 * THREADS,
            "{key}"
        );
    }
}

/// Some threads only add keys, so that the table grows repeatedly under the keys of the others.
#[test]
fn counts_hits_while_it_grows() {
    let throttle = throttle(
        Backend::memory().clock(ManualClock::new()),
        Rate::per_hour(1_000_000),
    );
    let counts: Vec<_> = (0..64).map(|_| AtomicU64::new(0)).collect();
    let newcomer = AtomicU64::new(1_000_000);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (throttle, counts, newcomer) = (&throttle, &counts, &newcomer);
            scope.spawn(move || {
                for hit in 0..20_000_u64 {
                    if thread % 2 == 0 {
                        let key = newcomer.fetch_add(1, Ordering::Relaxed);
                        assert!(admits(throttle, &key.into(), 1));
                    } else {
                        let key = hit % 64;
                        assert!(admits(throttle, &key.into(), 1));
                        counts[key as usize].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    for (key, count) in counts.into_iter().enumerate() {
        let key = Identity::from(key as u64);
        assert_eq!(remaining(&throttle, &key), 1_000_000 - count.into_inner());
    }
    let newcomers = 1_000_000..newcomer.into_inner();
    let once = newcomers.filter(|key| remaining(&throttle, &(*key).into()) == 999_999);
    assert_eq!(once.count() as u64, 20_000 * THREADS / 2);
}

/// Keys expire and are removed, which moves others while they are hit: no hit is lost or counted
/// for another key.
#[test]
fn counts_hits_while_other_keys_expire() {
    let clock = ManualClock::new();
    let backend = Backend::memory().clock(clock.clone());
    let lasting = throttle(backend.clone(), Rate::per_day(1_000_000));
    let fleeting = DynThrottle::builder("fleeting").rate(Rate::new(5, Duration::from_millis(10)));
    let fleeting = fleeting.backend(backend).build().unwrap();
    let newcomer = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (lasting, fleeting, newcomer, clock) = (&lasting, &fleeting, &newcomer, &clock);
            scope.spawn(move || {
                for hit in 0..20_000_u64 {
                    if thread % 2 == 0 {
                        clock.advance(Duration::from_micros(10));
                        let key = newcomer.fetch_add(1, Ordering::Relaxed);
                        assert!(admits(fleeting, &key.into(), 1));
                    } else {
                        assert!(admits(lasting, &(hit % 500).into(), 1));
                    }
                }
            });
        }
    });
    for key in 0..500_u64 {
        assert_eq!(
            remaining(&lasting, &key.into()),
            1_000_000 - 20_000 / 500 * THREADS / 2
        );
    }
}
