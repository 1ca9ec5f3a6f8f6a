//! The greatest number of units that any half-open stretch of one period admits, searched by an
//! adversary.
//!
//! The adversary climbs hills: it varies the times, costs and clients of hits, keeps variants that
//! admit at least as much in the densest stretch, and restarts a few times. It may return exactly
//! at the reported time.

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue,
    Priority as Priorities, QuotaWithRollover, SlidingCounter, SlidingLog, Tiered, TimeOfDay,
    TokenBucket,
};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity, ManualClock, Priority};
use traffik_tests::poll_once;

use crate::chance::Chance;

/// Six units in sixty microseconds: few enough to find the last microsecond of a stretch by chance.
const RATE: &str = "6/60us";
const LIMIT: u64 = 6;
const PERIOD: u64 = 60;
/// A whole number of periods after 1970, and of days.
const MIDNIGHT: u64 = 11_574 * 24 * 60 * 60 * 1_000_000;
const EIGHT: u64 = MIDNIGHT + 8 * 60 * 60 * 1_000_000;

const RESTARTS: u64 = 6;
const CLIMBS: u64 = 200;
const HITS: usize = 20;

/// A strategy, the options of the adversary, and the greatest number of units.
struct Case {
    strategy: fn(DynThrottleBuilder) -> DynThrottleBuilder,
    start: u64,
    /// The largest cost.
    cost: u64,
    /// The client, in the forms in which the application may present it.
    presents: &'static [fn(Identity) -> Identity],
    /// Hits count when they run, not when they are admitted.
    runs: bool,
    max: u64,
}

const fn case(strategy: fn(DynThrottleBuilder) -> DynThrottleBuilder, max: u64) -> Case {
    Case {
        strategy,
        start: MIDNIGHT,
        cost: 24,
        presents: &[|client| client],
        runs: false,
        max,
    }
}

/// One hit of an attack.
#[derive(Clone, Copy)]
struct Step {
    gap: Gap,
    cost: u64,
    presented: usize,
}

#[derive(Clone, Copy)]
enum Gap {
    Micros(u64),
    /// To the next window's first microsecond, or to the last before it.
    Window(bool),
    /// To the reported moment.
    Wait,
}

#[test]
fn of_fixed_windows_is_twice_the_limit() {
    case(|b| b.strategy(FixedWindow::new()), 2 * LIMIT).is_tight();
}

#[test]
fn of_a_log_is_the_limit() {
    case(|b| b.strategy(SlidingLog::new()), LIMIT).is_tight();
}

#[test]
fn of_a_sliding_counter_is_just_under_twice_the_limit() {
    case(|b| b.strategy(SlidingCounter::new()), 2 * LIMIT - 1).is_tight();
}

/// A stretch that excludes its own end leaks less than the limit.
#[test]
fn of_buckets_is_their_capacity_and_what_comes_back() {
    let max = |capacity: u64| capacity + LIMIT - 1;
    case(|b| b.strategy(TokenBucket::new()), max(LIMIT)).is_tight();
    case(
        |b| b.strategy(TokenBucket::new().burst(9).debt(2)),
        max(9 + 2),
    )
    .is_tight();
    case(|b| b.strategy(LeakyBucket::new().capacity(4)), max(4)).is_tight();
    // Hits of cost 1 do not slow the refill.
    case(|b| b.strategy(CostBasedTokenBucket::new().burst(9)), max(9)).is_tight();
}

#[test]
fn of_a_queue_is_its_size_and_what_is_served() {
    let queue = case(
        |b| b.strategy(LeakyBucketWithQueue::new().queue_size(4)),
        4 + LIMIT - 1,
    );
    queue.is_tight();
}

/// The units of one hit run together: a hit of cost c counts as c, and delays the next one by as
/// much.
#[test]
fn of_what_a_queue_lets_run_is_the_limit_and_all_but_one_of_the_largest_cost() {
    for cost in 1..=4 {
        let queue = case(
            |b| b.strategy(LeakyBucketWithQueue::new().queue_size(4)),
            LIMIT + cost - 1,
        );
        Case {
            cost,
            runs: true,
            ..queue
        }
        .is_tight();
    }
}

/// A hit needs no room, only the right time: the last may cost much more than remained.
#[test]
fn of_gcra_is_the_limit_the_tolerance_and_all_but_one_of_the_largest_cost() {
    const EARLY: u64 = 2; // units that a tolerance of 20 µs lets come early
    for cost in 1..=LIMIT {
        let gcra = case(|b| b.strategy(Gcra::new()), LIMIT + cost - 1);
        Case { cost, ..gcra }.is_tight();
        let tolerant = case(
            |b| b.strategy(Gcra::new().burst_tolerance(Duration::from_micros(20))),
            LIMIT + EARLY + cost - 1,
        );
        Case { cost, ..tolerant }.is_tight();
    }
}

#[test]
fn of_tiers_is_twice_the_largest_limit_presented() {
    let tiers = |max| {
        case(
            |b| {
                let tiers = Tiered::new().tier("free", 1.0).tier("gold", 1.5);
                b.strategy(tiers.default_tier("free"))
            },
            max,
        )
    };
    tiers(2 * LIMIT).is_tight();
    let presents: &[fn(Identity) -> Identity] = &[|client| client, |client| client.tier("gold")];
    Case {
        presents,
        ..tiers(2 * 9)
    }
    .is_tight();
}

#[test]
fn of_hours_is_the_sum_of_two_neighbouring_limits() {
    let hours = |start, cost, max| Case {
        start,
        cost,
        ..case(
            |b| b.strategy(TimeOfDay::new().window("00:00-08:00", 2.0)),
            max,
        )
    };
    hours(MIDNIGHT, 24, 4 * LIMIT).is_tight();
    hours(EIGHT - PERIOD, LIMIT, 3 * LIMIT).is_tight();
    hours(EIGHT, LIMIT, 2 * LIMIT).is_tight();
}

/// A window does not carry over used units: only one of two windows can exceed the limit.
#[test]
fn of_a_rollover_is_twice_the_limit_and_one_carry() {
    const CARRY: u64 = LIMIT / 2;
    case(|b| b.strategy(QuotaWithRollover::new()), 2 * LIMIT + CARRY).is_tight();
    case(
        |b| b.strategy(QuotaWithRollover::new().percent(100.0)),
        3 * LIMIT,
    )
    .is_tight();
}

/// A window without a cut admits no more than the threshold, one with a cut leaves no more than the
/// reduction.
#[test]
fn of_adaptive_windows_is_the_limit_and_what_brings_no_cut() {
    case(|b| b.strategy(Adaptive::new()), LIMIT + 4).is_tight();
    case(
        |b| b.strategy(Adaptive::new().threshold(0.4).reduction(0.9)),
        LIMIT + 5,
    )
    .is_tight();
    // Without load there is no cut.
    case(|b| b.strategy(Adaptive::new().load(|| 0.0)), 2 * LIMIT).is_tight();
}

#[test]
fn of_priorities_is_the_limit_whatever_the_order() {
    let budget = |max| case(|b| b.strategy(Priorities::new()), max);
    let presents: &[fn(Identity) -> Identity] = &[
        |client| client.priority(Priority::Low),
        |client| client,
        |client| client.priority(Priority::High),
        |client| client.priority(Priority::Critical),
    ];
    Case {
        presents,
        ..budget(LIMIT)
    }
    .is_tight();
    Case {
        presents: &presents[..1],
        ..budget(LIMIT / 2)
    }
    .is_tight();
}

impl Case {
    /// Asserts that the adversary reaches the stated number, and never exceeds it.
    fn is_tight(&self) {
        let mut random = Chance::new(0x7261_7465);
        let clock = ManualClock::new();
        let builder = DynThrottle::builder("attacked").rate(RATE.parse().expect("a rate"));
        let throttle = (self.strategy)(builder)
            .backend(Backend::memory().clock(clock.clone()))
            .build()
            .expect("a throttle");
        let mut clients = 0_u64;
        let mut try_out = |attack: &[Step]| {
            clients += 1;
            let admitted = self.replay(&throttle, &clock, clients, attack);
            let densest = densest(&admitted);
            assert!(
                densest <= self.max,
                "{densest} > {}: {admitted:?}",
                self.max
            );
            densest
        };
        let mut best = 0;
        for _ in 0..RESTARTS {
            let mut attack: Vec<Step> = (0..HITS).map(|_| self.step(&mut random)).collect();
            let mut reached = try_out(&attack);
            for _ in 0..CLIMBS {
                let varied = self.vary(&attack, &mut random);
                let now_reached = try_out(&varied);
                if now_reached >= reached {
                    (attack, reached) = (varied, now_reached);
                }
            }
            best = best.max(reached);
        }
        assert_eq!(best, self.max, "no attack reaches the stated number");
    }

    /// Returns the times and costs of the admitted hits.
    fn replay(
        &self,
        throttle: &DynThrottle,
        clock: &ManualClock,
        client: u64,
        attack: &[Step],
    ) -> Vec<(u64, u64)> {
        let mut time = self.start;
        let mut verdict = 0;
        let mut admitted = Vec::new();
        for step in attack {
            time = step.gap.after(time, verdict);
            clock.set(Duration::from_micros(time));
            let client = self.presents[step.presented](Identity::from(client));
            let decision =
                poll_once(throttle.hit(&client, step.cost)).expect("memory always answers");
            verdict = decision.wait.map_or(0, micros);
            if decision.admitted {
                let delay = if self.runs { micros(decision.delay) } else { 0 };
                admitted.push((time + delay, step.cost));
            }
        }
        admitted
    }

    fn step(&self, random: &mut Chance) -> Step {
        let gap = match random.below(8) {
            0..3 => Gap::Micros(random.below(3)),
            3 => Gap::Micros(random.below(PERIOD + 2)),
            4 => Gap::Window(true),
            5 => Gap::Window(false),
            _ => Gap::Wait,
        };
        let cost = match random.below(3) {
            0 => 1,
            1 => 1 + random.below(self.cost.min(LIMIT)),
            _ => 1 + random.below(self.cost),
        };
        Step {
            gap,
            cost,
            presented: random.below(self.presents.len() as u64) as usize,
        }
    }

    fn vary(&self, attack: &[Step], random: &mut Chance) -> Vec<Step> {
        let mut varied = attack.to_vec();
        for _ in 0..=random.below(3) {
            let place = random.below(HITS as u64) as usize;
            let fresh = self.step(random);
            match random.below(5) {
                0 => varied[place].gap = fresh.gap,
                1 => varied[place].cost = fresh.cost,
                2 => varied[place].presented = fresh.presented,
                3 => varied[place] = fresh,
                _ => {
                    varied.remove(place);
                    varied.insert(random.below(HITS as u64) as usize, fresh);
                }
            }
        }
        varied
    }
}

impl Gap {
    fn after(self, time: u64, verdict: u64) -> u64 {
        let window = time - time % PERIOD + PERIOD;
        match self {
            Self::Micros(micros) => time + micros,
            Self::Window(true) => window,
            Self::Window(false) => time.max(window - 1),
            Self::Wait => time + verdict,
        }
    }
}

/// Returns the greatest number of units within any stretch of a period, its end excluded.
fn densest(admitted: &[(u64, u64)]) -> u64 {
    let from = |start: u64| {
        let within = |(at, _): &&(u64, u64)| (start..start + PERIOD).contains(at);
        admitted.iter().filter(within).map(|(_, cost)| cost).sum()
    };
    admitted.iter().map(|(at, _)| from(*at)).max().unwrap_or(0)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).expect("waits fit a clock")
}
