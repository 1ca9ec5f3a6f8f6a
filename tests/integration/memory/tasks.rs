//! Many tasks and threads on one key: exactly the limit is admitted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use tokio::sync::Barrier as Together;
use tokio::task::JoinSet;
use traffik::strategy::{Gcra, SlidingCounter, TokenBucket};
use traffik::{Backend, DynThrottle, Identity, ManualClock};
use traffik_tests::poll_once;

use super::{admits, each, remaining};

const TASKS: u64 = 64;

/// Creates a backend whose clock is stopped.
fn backend() -> Backend {
    Backend::memory().clock(ManualClock::new())
}

/// All tasks start together and hit more often than the limit: exactly the limit is admitted, a
/// hundred times.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn admits_exactly_the_limit_of_many_tasks() {
    for (name, throttle) in each(&backend(), 200) {
        for round in 0..100_u64 {
            let together = Arc::new(Together::new(TASKS as usize));
            let mut tasks = JoinSet::new();
            for _ in 0..TASKS {
                let (throttle, client) = (throttle.clone(), Identity::from(round));
                let together = together.clone();
                tasks.spawn(async move {
                    together.wait().await;
                    let mut admitted = 0;
                    for _ in 0..4 {
                        let decision = throttle
                            .hit(&client, 1)
                            .await
                            .expect("memory always answers");
                        admitted += u64::from(decision.admitted);
                        tokio::task::yield_now().await;
                    }
                    admitted
                });
            }
            let admitted: u64 = tasks.join_all().await.into_iter().sum();
            assert_eq!(admitted, 200, "{name}, round {round}");
        }
    }
}

/// The last units are admitted to as many tasks as they suffice for, and each key has its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn admits_exactly_the_last_units() {
    // The units spent before, and the number of concurrent tasks, of ten.
    for (spent, tasks, admitted) in [
        (9, 2_usize, 1),
        (0, 7, 7),
        (0, 10, 10),
        (5, 20, 5),
        (10, 3, 0),
    ] {
        for (name, throttle) in each(&backend(), 10) {
            for key in 0..30_u64 {
                let client = Identity::from(key);
                assert!((0..spent).all(|_| admits(&throttle, &client, 1)), "{name}");
                let together = Arc::new(Together::new(tasks));
                let mut set = JoinSet::new();
                for _ in 0..tasks {
                    let (throttle, client) = (throttle.clone(), client.clone());
                    let together = together.clone();
                    set.spawn(async move {
                        together.wait().await;
                        admits(&throttle, &client, 1)
                    });
                }
                let hits = set.join_all().await;
                let hits = hits.into_iter().filter(|admitted| *admitted).count() as u64;
                assert_eq!(hits, admitted, "{name}, {tasks} after {spent}");
                assert_eq!(
                    remaining(&throttle, &client),
                    10 - spent - admitted,
                    "{name}"
                );
            }
        }
    }
}

/// Tasks of different priorities share one budget: the highest get all remaining units, and lower
/// ones no more than their share.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn respects_the_shares_of_priorities() {
    use traffik::Priority::{Critical, High, Low, Normal};
    let builder = DynThrottle::builder("shared").rate("1000/h".parse().unwrap());
    let builder = builder
        .strategy(traffik::strategy::Priority::new())
        .backend(backend());
    let throttle = builder.build().unwrap();
    for round in 0..20_u64 {
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let priority = [Low, Normal, High, Critical][task as usize % 4];
            let client = Identity::from(round).priority(priority);
            let throttle = throttle.clone();
            tasks.spawn(async move {
                let hits = (0..80).filter(|_| admits(&throttle, &client, 1));
                (priority, hits.count() as u64)
            });
        }
        let admitted = tasks.join_all().await;
        let up_to = |priority| -> u64 {
            let lower = admitted.iter().filter(|(of, _)| *of <= priority);
            lower.map(|(_, hits)| hits).sum()
        };
        assert!(up_to(Low) <= 500 && up_to(Normal) <= 800 && up_to(High) <= 950);
        assert_eq!(up_to(Critical), 1_000, "round {round}");
    }
}

/// Refusals of large costs change nothing, and the remaining units go to smaller costs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn admits_small_costs_beside_refused_large_ones() {
    for (name, throttle) in each(&backend(), 1_000).into_iter().take(12) {
        for round in 0..20_u64 {
            let client = Identity::from(round);
            let mut tasks = JoinSet::new();
            for task in 0..TASKS {
                let (throttle, client) = (throttle.clone(), client.clone());
                tasks.spawn(async move {
                    let mut spent = 0;
                    for cost in (task..task + 9).map(|cost| cost % 7 + 1) {
                        let decision = throttle
                            .hit(&client, cost)
                            .await
                            .expect("memory always answers");
                        spent += if decision.admitted { cost } else { 0 };
                    }
                    spent
                });
            }
            let spent: u64 = tasks.join_all().await.into_iter().sum();
            assert_eq!(remaining(&throttle, &client), 1_000 - spent, "{name}");
            let rest = (0..1_000).filter(|_| admits(&throttle, &client, 1)).count() as u64;
            assert_eq!(spent + rest, 1_000, "{name}, round {round}");
        }
    }
}

#[test]
fn admits_exactly_the_limit_of_many_threads() {
    for (name, throttle) in each(&backend(), 4_000) {
        for round in 0..10_u64 {
            let client = Identity::from(round);
            let admitted = AtomicU64::new(0);
            let together = Barrier::new(4);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        together.wait();
                        let hits = (0..2_000).filter(|_| admits(&throttle, &client, 1));
                        admitted.fetch_add(hits.count() as u64, Ordering::Relaxed);
                    });
                }
            });
            assert_eq!(admitted.into_inner(), 4_000, "{name}, round {round}");
        }
    }
}

/// Hits that read the clock at different moments are decided in some order, and no unit is lost or
/// added.
#[test]
fn admits_exactly_the_limit_while_the_clock_moves() {
    let clock = ManualClock::new();
    let backend = Backend::memory().clock(clock.clone());
    let throttle = DynThrottle::builder("moving").rate("3000/s".parse().unwrap());
    let throttle = throttle
        .strategy(TokenBucket::new().burst(1_000_000))
        .backend(backend);
    let throttle = throttle.build().unwrap();
    let client = Identity::new("client");
    assert!(admits(&throttle, &client, 1_000_000));

    let (admitted, over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let hit = u64::from(admits(&throttle, &client, 1));
                    admitted.fetch_add(hit, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..100_000 {
            clock.advance(Duration::from_micros(77));
        }
        over.store(true, Ordering::Relaxed);
    });
    // 7.7 s at 3000 a second; the bucket was never full.
    let left = remaining(&throttle, &client);
    assert_eq!(admitted.into_inner() + left, 23_100);
}

/// Across windows too, no order admits more than the law allows.
#[test]
fn admits_no_more_than_the_limit_across_windows() {
    let clock = ManualClock::new();
    let backend = Backend::memory().clock(clock.clone());
    let build = |builder: traffik::DynThrottleBuilder| {
        let builder = builder
            .rate("50/s".parse().unwrap())
            .backend(backend.clone());
        builder.build().unwrap()
    };
    // 20 windows of 50; a sliding counter admits no more, and a GCRA one more than 50 a second.
    let throttles = [
        (build(DynThrottle::builder("window")), 1_000),
        (
            build(DynThrottle::builder("counter").strategy(SlidingCounter::new())),
            1_000,
        ),
        (
            build(DynThrottle::builder("gcra").strategy(Gcra::new())),
            1_000,
        ),
    ];
    for (throttle, max) in throttles {
        clock.set(Duration::from_secs(1_000_000_000));
        let (admitted, over) = (AtomicU64::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let hit = u64::from(admits(&throttle, &"client".into(), 1));
                        admitted.fetch_add(hit, Ordering::Relaxed);
                    }
                });
            }
            for _ in 0..19_999 {
                clock.advance(Duration::from_millis(1));
            }
            over.store(true, Ordering::Relaxed);
        });
        assert!(admitted.into_inner() <= max, "{throttle:?}");
    }
}

/// A concurrent read returns a state that existed at some moment.
#[test]
fn reads_consistent_stats_during_hits() {
    for (name, throttle) in each(&backend(), 3_000) {
        let client = Identity::new("client");
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut last = 3_000;
                while !over.load(Ordering::Relaxed) {
                    let stat = poll_once(throttle.stat(&client)).expect("memory always answers");
                    assert!(
                        stat.hits_remaining <= last,
                        "{name}: it grew without reason"
                    );
                    let admissible = stat.wait == Some(Duration::ZERO);
                    assert_eq!(admissible, stat.hits_remaining > 0, "{name}");
                    last = stat.hits_remaining;
                }
            });
            assert_eq!(
                (0..9_000).filter(|_| admits(&throttle, &client, 1)).count(),
                3_000
            );
            over.store(true, Ordering::Relaxed);
        });
    }
}
