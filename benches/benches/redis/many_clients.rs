//! Many clients, beside one script a decision: the time of a hit, its latency, and the commands
//! that the server counts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use redis::Script;
use traffik::{DynThrottle, Identity};
use traffik_benches::effort::rounds;
use traffik_benches::measure::Rounds;
use traffik_benches::row::Table;
use traffik_benches::spread::Goal;

use crate::{Call, ROUNDS, Setup, WINDOW};

const CLIENTS: u64 = 10_000;

/// The subjects of the tables, each with its unit, in the order of the figures of [`figures`].
const SUBJECTS: [(&str, &str); 4] = [
    ("A hit on one of 10 000 clients in Redis, by tasks", "ns"),
    ("The median latency of a hit in Redis, by tasks", "µs"),
    ("The latency of a hit in Redis (p99), by tasks", "µs"),
    ("The commands for a hit in Redis, by tasks", "count"),
];

/// Measures both sides in turn.
pub(crate) fn tables(bench: &Setup, throttle: &DynThrottle) -> Vec<Table> {
    let sides = [hits(throttle), scripts(bench)];
    let title = |(title, unit)| Table::new(title, unit, "one script a decision");
    let mut tables = SUBJECTS.map(title);
    for tasks in [1, 16, 64, 256] {
        let rounds: Vec<_> = (0..rounds(ROUNDS))
            .map(|_| sides.each_ref().map(|call| figures(bench, tasks, call)))
            .collect();
        for (place, table) in tables.iter_mut().enumerate() {
            // A decision never waits for others, so one alone is not faster.
            let goal = match (place, tasks) {
                (0, 64) => Goal::AtMost(0.5),
                (1, 1) => Goal::AtMost(1.0),
                _ => Goal::None,
            };
            let sides = |round: &[[f64; 4]; 2]| round.map(|figures| figures[place]);
            let row = Rounds::new(rounds.iter().map(sides)).row(format!("{tasks} tasks"), goal);
            table.push(row);
        }
    }
    tables.into()
}

fn hits(throttle: &DynThrottle) -> Call {
    let clients: Vec<_> = (0..CLIENTS).map(Identity::from).collect();
    let (throttle, next) = (throttle.clone(), Cell::new(0));
    Rc::new(async move || {
        let client = &clients[next.replace(next.get() + 1) % clients.len()];
        let decided = throttle.hit(client, 1).await;
        decided.expect("the server responds");
    })
}

fn scripts(bench: &Setup) -> Call {
    let (connection, script) = (bench.connection(), Script::new(WINDOW));
    let next = Cell::new(0);
    Rc::new(async move || {
        let client = next.replace(next.get() + 1) % CLIENTS;
        let mut call = script.key(format!("peer:user:{client}:"));
        let call = call.arg(3_600).arg(1).arg(1_000_000_000_u64);
        let called = call.invoke_async(&mut connection.clone()).await;
        let _: i64 = called.expect("the server responds");
    })
}

/// Returns the time of a call, the median and the 99th percentile of latencies, and the commands
/// for a call.
fn figures(bench: &Setup, tasks: usize, call: &Call) -> [f64; 4] {
    let latencies = Rc::new(RefCell::new(Vec::new()));
    let timed: Call = {
        let (call, latencies) = (call.clone(), latencies.clone());
        Rc::new(async move || {
            let start = Instant::now();
            call.call().await;
            latencies.borrow_mut().push(start.elapsed());
        })
    };
    let before = bench.server.calls("evalsha");
    let time = bench.time(tasks, &timed);
    let commands = (bench.server.calls("evalsha") - before) as f64;
    let mut latencies = latencies.take();
    latencies.sort_unstable();
    let micros = |latency: Duration| latency.as_secs_f64() * 1e6;
    let at = |share: usize| micros(latencies[latencies.len() * share / 100]);
    [time, at(50), at(99), commands / latencies.len() as f64]
}
