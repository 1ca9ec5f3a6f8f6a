//! Time that a limiter adds to an axum handler, beside `tower_governor` 0.8. The router is called
//! in process; the time without a limiter is subtracted from both.

mod apps;

use std::hint::black_box;
use std::time::Instant;

use apps::{Job, attribute, bare, governed, layer, request};
use axum::Router;
use tower_service::Service as _;
use traffik_benches::{Goal, Spread, amount, ready};

const ROUNDS: usize = 61;
const RUNS: usize = 40;
const CALLS: usize = 250;

fn main() {
    println!("\nWhat is added to a call of an axum service\n");
    println!(
        "| workload | traffik, ns | tower_governor, ns | bare, ns | ratio, median | middle half | goal |"
    );
    println!("|---|---|---|---|---|---|---|");
    for job in Job::ALL {
        let goal = match job {
            Job::Refuse => Goal::AtMost(0.1),
            Job::Admit | Job::AdmitWithFields | Job::AdmitWithLegacyFields => Goal::AtMost(1.0),
        };
        compare("`#[throttled]`", job, attribute(job), goal);
        compare("`ThrottleLayer`", job, layer(job), goal);
    }
}

fn compare(form: &str, job: Job, ours: Router, goal: Goal) {
    let mut sides = [bare(), ours, governed(job)];
    for side in &mut sides {
        time(side);
    }
    let rounds: Vec<[f64; 3]> = (0..amount(ROUNDS, 1))
        .map(|round| {
            let mut times = [0.0; 3];
            // Later sides profit from a warm clock, so they alternate.
            for place in 0..3 {
                let side = (round + place) % 3;
                times[side] = time(&mut sides[side]);
            }
            times
        })
        .collect();
    let ours = || rounds.iter().map(|[bare, ours, _]| ours - bare);
    let peer = || rounds.iter().map(|[bare, _, peer]| peer - bare);
    let ratio = Spread::of(ours().zip(peer()).map(|(ours, peer)| ours / peer));
    println!(
        "| {form}, {} | {:.0} | {:.0} | {:.0} | **{:.2}** | {:.2} – {:.2} | {} |",
        job.name(),
        Spread::of(ours()).median,
        Spread::of(peer()).median,
        Spread::of(rounds.iter().map(|[bare, ..]| *bare)).median,
        ratio.median,
        ratio.low,
        ratio.high,
        goal.verdict(ratio.median),
    );
}

/// Returns nanoseconds per call, building the request included: the median of many short runs,
/// since the machine does other work in some of them.
fn time(app: &mut Router) -> f64 {
    let calls = amount(CALLS, 10);
    let runs = (0..amount(RUNS, 1)).map(|_| {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(ready(app.call(request())).is_ok());
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    });
    Spread::of(runs).median
}
