//! Keys that move while they are hit and read, in a small table that is nearly full.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use traffik::strategy::FixedWindowMetadata;
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity, ManualClock, MemoryBackend};
use traffik_tests::poll_once;

use super::{admits, remaining};

/// Few enough that a newcomer always finds a key to evict among the others.
const LASTING: u64 = 300;

/// A table with room for some hundreds of short-lived keys beside those that stay.
struct Table {
    clock: ManualClock,
    backend: Backend,
    fleeting: DynThrottle,
    newcomer: AtomicU64,
    over: AtomicBool,
}

impl Table {
    fn new() -> Self {
        let clock = ManualClock::new();
        let settings = MemoryBackend::builder().capacity(1_000).shards(1);
        let backend = settings.clock(clock.clone()).build();
        let fleeting = DynThrottle::builder("fleeting").rate("1000000/ms".parse().unwrap());
        Self {
            fleeting: fleeting.backend(backend.clone()).build().unwrap(),
            clock,
            backend,
            newcomer: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }
    }

    fn throttle(&self, rates: &[&str]) -> DynThrottle {
        let rates = rates.iter().map(|rate| rate.parse().unwrap());
        let throttle = rates.fold(DynThrottle::builder("lasting"), DynThrottleBuilder::rate);
        throttle.backend(self.backend.clone()).build().unwrap()
    }

    /// Runs an action while new clients come, hit once, and expire.
    fn meanwhile(&self, act: impl Fn() + Sync) {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !self.over.load(Ordering::Relaxed) {
                        self.clock.advance(Duration::from_micros(5));
                        let client = self.newcomer.fetch_add(1, Ordering::Relaxed);
                        assert!(admits(&self.fleeting, &client.into(), 1));
                    }
                });
            }
            let actors = [scope.spawn(&act), scope.spawn(&act)];
            let succeeded = actors.map(|actor| actor.join().is_ok());
            self.over.store(true, Ordering::Relaxed);
            assert_eq!(succeeded, [true, true], "the assertions hold meanwhile");
        });
    }
}

/// One rate is decided without a lock, two with their slots locked.
#[test]
fn counts_every_hit_once_for_its_own_key() {
    for rates in [&["1000/day"][..], &["1000/day", "2000/week"]] {
        let crowd = Table::new();
        let lasting = crowd.throttle(rates);
        let keys = LASTING / rates.len() as u64;
        for key in 0..keys {
            // A larger part of the limit than any newcomer uses, because those with less are
            // evicted first.
            assert!(admits(&lasting, &key.into(), 10));
        }
        crowd.meanwhile(|| {
            for hit in 0..keys * 120 {
                assert!(admits(&lasting, &(hit % keys).into(), 1));
            }
        });
        for key in 0..keys {
            let stat = poll_once(lasting.stat(&key.into())).unwrap();
            let least = stat.hits_remaining;
            assert_eq!(least, 750, "{rates:?}");
            let members: Vec<_> = stat
                .members
                .iter()
                .map(|member| member.hits_remaining)
                .collect();
            assert!(members.is_empty() || members == [750, 1_750], "{members:?}");
        }
    }
}

/// A client without remaining units is refused, with the right report, at every moment.
#[test]
fn keeps_spent_clients_spent() {
    for rates in [&["3/day"][..], &["3/day", "5/week"]] {
        let crowd = Table::new();
        let lasting = crowd.throttle(rates);
        let keys = LASTING / rates.len() as u64;
        for key in 0..keys {
            assert!(admits(&lasting, &key.into(), 3));
        }
        crowd.meanwhile(|| {
            for hit in 0..keys * 80 {
                let client = Identity::from(hit % keys);
                assert_eq!(remaining(&lasting, &client), 0);
                assert!(!admits(&lasting, &client, 1));
            }
        });
    }
}

/// An expired client is hit again while its state is being removed: in every window each is
/// admitted once, in its old slot or in a new one.
#[test]
fn keeps_a_client_that_is_hit_while_it_is_swept() {
    let crowd = Table::new();
    let again = DynThrottle::builder("again").rate("1/ms".parse().unwrap());
    let again = again.backend(crowd.backend.clone()).build().unwrap();
    let start = crowd.clock.now();
    for window in 0..1_500_u32 {
        crowd.clock.set(start + Duration::from_millis(1) * window);
        let hit_all = || {
            let hits = (0..LASTING).filter(|key| admits(&again, &(*key).into(), 1));
            hits.count() as u64
        };
        let admitted = thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..150 {
                    let client = crowd.newcomer.fetch_add(1, Ordering::Relaxed);
                    assert!(admits(&crowd.fleeting, &client.into(), 1));
                }
            });
            let other = scope.spawn(hit_all);
            hit_all() + other.join().expect("it does not panic")
        });
        assert_eq!(admitted, LASTING, "window {window}");
    }
}

/// A window and its count are read together: no window is read with the count of the one before.
#[test]
fn reads_consistent_states() {
    let clock = ManualClock::at(Duration::ZERO);
    let backend = Backend::memory().clock(clock.clone());
    let throttle = DynThrottle::builder("torn").rate("1000/ms".parse().unwrap());
    let throttle = throttle.backend(backend).build().unwrap();
    let client = Identity::new("client");
    let cost = |window: u64| window * 7 % 1_000 + 1;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for window in 0..200_000 {
                clock.set(Duration::from_millis(window));
                assert!(admits(&throttle, &client, cost(window)));
            }
            over.store(true, Ordering::Relaxed);
        });
        while !over.load(Ordering::Relaxed) {
            let stat = poll_once(throttle.stat(&client)).unwrap();
            let metadata: &FixedWindowMetadata = stat.metadata.downcast_ref().unwrap();
            let (window, count) = (metadata.window_start_ms, metadata.current_count);
            let whole = count == 0 || count == cost(window);
            assert!(whole, "{count} in window {window}");
        }
    });
}
