//! A deterministic simulation of processes that share limits on one Redis server, over networks
//! that delay, cut and lose messages.
//!
//! A seed gives one run: a [`world`] with a queue of events in virtual time, in one thread. Each
//! [`process`] has a runtime, a backend and throttles of its own, and its tasks follow the
//! [`workload`]. Its connections are [`stream`]s, whose messages the [`network`] moves. The
//! [`server`] runs the real [`scripts`]. All that happens is in the [`account`], and [`checks`]
//! compare it with the promises.
//!
//! `TRAFFIK_SIMULATION_SEEDS=10000` runs more seeds, `TRAFFIK_SIMULATION_SEED=7` one of them, and
//! `TRAFFIK_SIMULATION_TRACE=1` prints its events.

mod account;
mod checks;
mod desk;
mod groups;
mod keyspace;
mod laws;
mod network;
mod packing;
mod process;
mod sabotage;
mod schedule;
mod scripts;
mod self_tests;
mod server;
mod stream;
mod trace;
mod weather;
mod wire;
mod workload;
mod world;

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use account::{Outcome, Violation};
use sabotage::Sabotage;
use trace::Trace;
use world::World;

/// The number of seeds of a usual test run.
const SEEDS: u64 = 24;

/// The variable with the number of seeds.
const SEEDS_VARIABLE: &str = "TRAFFIK_SIMULATION_SEEDS";

/// The variable with the only seed.
const SEED_VARIABLE: &str = "TRAFFIK_SIMULATION_SEED";

/// The variable that is set if events are to be printed.
const TRACE_VARIABLE: &str = "TRAFFIK_SIMULATION_TRACE";

/// The result of a run.
#[derive(Debug)]
struct Run {
    violations: Vec<Violation>,
    fingerprint: u64,
    totals: Totals,
}

/// Sums over some runs.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    calls: u64,
    admitted: u64,
    admitted_by_lease: u64,
    refused: u64,
    refused_locally: u64,
    failed: u64,
    unanswered: u64,
    commands: u64,
    batched: u64,
    refunded: u64,
}

/// Simulates one seed.
fn simulate(seed: u64, sabotage: Option<Sabotage>, prints: bool) -> Run {
    let mut world = World::new(seed, sabotage, Trace::new(prints));
    world.run();
    checks::check(&world);
    let mut account = world.desk.account();
    let mut totals = Totals {
        calls: account.calls.len() as u64,
        commands: world.server.decisions,
        batched: world.server.batched,
        refunded: account.refunds.values().sum(),
        ..Totals::default()
    };
    for call in &account.calls {
        *match call.outcome {
            Outcome::Admitted { .. } => &mut totals.admitted,
            Outcome::AdmittedByLease => &mut totals.admitted_by_lease,
            Outcome::Refused => &mut totals.refused,
            Outcome::RefusedLocally => &mut totals.refused_locally,
            Outcome::Failed { .. } => &mut totals.failed,
            Outcome::Open | Outcome::Dropped => &mut totals.unanswered,
        } += 1;
    }
    Run {
        violations: std::mem::take(&mut account.violations),
        fingerprint: world.trace.fingerprint,
        totals,
    }
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.admitted += other.admitted;
        self.admitted_by_lease += other.admitted_by_lease;
        self.refused += other.refused;
        self.refused_locally += other.refused_locally;
        self.failed += other.failed;
        self.unanswered += other.unanswered;
        self.commands += other.commands;
        self.batched += other.batched;
        self.refunded += other.refunded;
    }
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Simulates one seed, and panics with the command that replays it if a promise was broken.
fn simulate_or_panic(seed: u64) -> Totals {
    let prints = variable::<u8>(TRACE_VARIABLE).is_some();
    let run = simulate(seed, None, prints);
    if let Some(first) = run.violations.first() {
        panic!(
            "seed {seed} breaks a promise, {:?}: {}\nand {} more; replay it with\n\
             {SEED_VARIABLE}={seed} {TRACE_VARIABLE}=1 cargo test -p traffik-tests \
             --test integration simulation::keeps_every_promise -- --nocapture",
            first.promise,
            first.text,
            run.violations.len() - 1,
        );
    }
    run.totals
}

/// Two threads simulate the seeds. Each run is in one of them alone.
#[test]
fn keeps_every_promise() {
    if let Some(seed) = variable(SEED_VARIABLE) {
        println!("{:?}", simulate_or_panic(seed));
        return;
    }
    let seeds = variable(SEEDS_VARIABLE).unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let work = || {
        let mut totals = Totals::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return totals;
            }
            totals.add(&simulate_or_panic(seed));
        }
    };
    let mut totals = Totals::default();
    std::thread::scope(|scope| {
        for thread in [(); 2].map(|()| scope.spawn(work)) {
            totals.add(&thread.join().unwrap());
        }
    });
    println!("{seeds} seeds: {totals:?}");
    let outcomes = [
        totals.admitted,
        totals.admitted_by_lease,
        totals.refused,
        totals.refused_locally,
        totals.failed,
        totals.unanswered,
        totals.batched,
        totals.refunded,
    ];
    assert!(outcomes.iter().all(|count| *count > seeds), "{totals:?}");
}

#[test]
fn replays_a_seed_exactly() {
    for seed in [3, 4, 5] {
        let [one, other] = [(); 2].map(|()| simulate(seed, None, false).fingerprint);
        assert_eq!(one, other, "seed {seed}");
    }
}
