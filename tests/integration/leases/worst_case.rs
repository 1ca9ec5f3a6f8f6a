//! The greatest number of units that any stretch of time admits to the clients of two processes
//! with leases, searched by an adversary.
//!
//! The adversary varies the times, costs and processes of hits, keeps variants that admit at least
//! as much in the densest stretch, and restarts a few times.

use std::time::Duration;

use traffik::strategy::{
    Gcra, LeakyBucket, QuotaWithRollover, SlidingCounter, SlidingLog, Tiered, TimeOfDay,
    TokenBucket,
};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity, ManualClock, Provenance};
use traffik_tests::{ExpiringStore, poll_once};

use crate::chance::Chance;

const RATE: &str = "60/60us";
const LIMIT: u64 = 60;
const PERIOD: u64 = 60;
const LIFE: u64 = 20;
/// A whole number of periods after 1970.
const START: u64 = 1_000_000_020_000_000;

const RESTARTS: usize = 3;
const CLIMBS: usize = 40;
const HITS: usize = 240;

type Build = fn(DynThrottleBuilder) -> DynThrottleBuilder;

/// One hit of an attack.
#[derive(Clone, Copy)]
struct Step {
    gap: u64,
    cost: u64,
    process: usize,
}

/// An admitted hit: its time and its cost.
type Admitted = Vec<(u64, u64)>;

#[test]
fn of_windows_is_that_without_leases() {
    let windows = |admitted: &Admitted| {
        let window = |at: u64| at / PERIOD;
        let first = window(START);
        let counts = (first..first + 20).map(|number| {
            let own = admitted.iter().filter(|(at, _)| window(*at) == number);
            own.map(|(_, cost)| cost).sum::<u64>()
        });
        counts.max().unwrap_or(0)
    };
    assert_bounded("fixed_window", |it| it, windows, LIMIT);
    let tiered: Build = |it| it.strategy(Tiered::new().tier("free", 0.5).default_tier("free"));
    assert_bounded("tiered", tiered, windows, LIMIT / 2);
    assert_bounded(
        "time_of_day",
        |it| it.strategy(TimeOfDay::new()),
        windows,
        LIMIT,
    );
    // A client that has not been there before carries over a half.
    let rollover: Build = |it| it.strategy(QuotaWithRollover::new());
    assert_bounded("quota_with_rollover", rollover, windows, LIMIT + LIMIT / 2);
}

#[test]
fn of_buckets_is_that_of_a_stretch_longer_by_a_life() {
    // A stretch that excludes its own end leaks one unit less than it has ticks.
    let max = |capacity: u64| capacity + PERIOD + LIFE - 1;
    assert_bounded(
        "token_bucket",
        |it| it.strategy(TokenBucket::new()),
        densest,
        max(LIMIT),
    );
    let small: Build = |it| it.strategy(LeakyBucket::new().capacity(30));
    assert_bounded("leaky_bucket", small, densest, max(30));
}

#[test]
fn of_gcra_is_that_of_a_stretch_longer_by_a_life() {
    // A tolerance of 30 µs lets thirty units come early, and the last hit may cost three.
    let gcra: Build = |it| it.strategy(Gcra::new().burst_tolerance(Duration::from_micros(30)));
    assert_bounded("gcra", gcra, densest, 30 + PERIOD + LIFE + 3 - 1);
}

#[test]
fn of_a_log_is_that_of_a_stretch_longer_by_a_life() {
    // Such a stretch touches two periods.
    assert_bounded(
        "sliding_log",
        |it| it.strategy(SlidingLog::new()),
        densest,
        2 * LIMIT,
    );
}

#[test]
fn of_a_sliding_counter_is_that_of_a_stretch_longer_by_a_life() {
    // Such a stretch touches three windows at the most, of which the two older ones leave no more
    // than the part of the oldest that is out of sight.
    let counter: Build = |it| it.strategy(SlidingCounter::new());
    assert_bounded(
        "sliding_counter",
        counter,
        densest,
        2 * LIMIT + LIMIT * LIFE / PERIOD,
    );
}

/// Asserts that no attack exceeds a bound, and that leases were attacked.
fn assert_bounded(name: &str, strategy: Build, measure: fn(&Admitted) -> u64, max: u64) {
    let clock = ManualClock::new();
    let backend = Backend::custom(ExpiringStore::default());
    // Each handle with a clock has leases of its own, as a process has.
    let processes = [(); 2].map(|()| {
        let builder = DynThrottle::builder(format!("leases attacked: {name}"));
        let builder = builder.rate(RATE.parse().expect("a rate"));
        let builder = strategy(builder.lease(Duration::from_micros(LIFE)));
        let backend = backend.clone().clock(clock.clone());
        builder.backend(backend).build().expect("a throttle")
    });
    let (mut random, mut clients, mut leased, mut best) = (Chance::new(7), 0_u64, 0, 0);
    let mut try_out = |attack: &[Step]| {
        clients += 1;
        let client = Identity::from(clients);
        let (mut time, mut admitted) = (START, Vec::new());
        for step in attack {
            time += step.gap;
            clock.set(Duration::from_micros(time));
            let hit = processes[step.process].hit(&client, step.cost);
            let decision = poll_once(hit).expect("the store answers");
            leased += u64::from(decision.provenance == Provenance::Lease);
            if decision.admitted {
                admitted.push((time, step.cost));
            }
        }
        let reached = measure(&admitted);
        assert!(reached <= max, "{name}: {reached} > {max}: {admitted:?}");
        reached
    };
    for _ in 0..RESTARTS {
        let mut attack: Vec<Step> = (0..HITS).map(|_| step(&mut random)).collect();
        let mut reached = try_out(&attack);
        for _ in 0..CLIMBS {
            let mut varied = attack.clone();
            for _ in 0..12 {
                varied[random.below(HITS as u64) as usize] = step(&mut random);
            }
            let now_reached = try_out(&varied);
            if now_reached >= reached {
                (attack, reached) = (varied, now_reached);
            }
        }
        best = best.max(reached);
    }
    assert!(leased > 100, "{name}: {leased} leased hits");
    println!("{name}: {best} of {max}, {leased} leased hits");
    assert!(5 * best > 3 * max, "{name}: {best} of {max}");
}

fn step(random: &mut Chance) -> Step {
    Step {
        gap: match random.below(12) {
            0 => random.below(LIFE + 2),
            1 => 1,
            _ => 0,
        },
        cost: if random.below(8) == 0 {
            1 + random.below(3)
        } else {
            1
        },
        process: random.below(2) as usize,
    }
}

/// Returns the greatest number of units within any stretch of a period, its end excluded.
fn densest(admitted: &Admitted) -> u64 {
    let from = |start: u64| {
        let within = |(at, _): &&(u64, u64)| (start..start + PERIOD).contains(at);
        admitted.iter().filter(within).map(|(_, cost)| cost).sum()
    };
    admitted.iter().map(|(at, _)| from(*at)).max().unwrap_or(0)
}
