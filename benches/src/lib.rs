//! Benchmarks beside peers: `cargo bench -p traffik-benches`, with `--features servers` also those
//! that need servers.
//!
//! Every figure is a ratio of two things measured in turn in one run, because machines are shared
//! and noisy: the median of many rounds, with the spread of the middle half.
//!
//! Under `cargo test`, and with `cargo bench -- --test`, each benchmark does a little of everything
//! once, to show that it runs.

pub mod process;
mod spread;

use std::env;
use std::future::Future;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

pub use spread::{Goal, Spread};

/// Rounds in which both sides are measured.
const ROUNDS: usize = 31;

/// Returns the amount of work: `full` for a measurement, `smoke` for a run that only shows that the
/// benchmark works.
pub fn amount(full: usize, smoke: usize) -> usize {
    // Cargo passes `--bench` to a benchmark that is to measure.
    let has_option = |option| env::args().any(|argument| argument == option);
    if has_option("--bench") && !has_option("--test") {
        full
    } else {
        smoke
    }
}

/// Returns the output of a future that is ready on its first poll, as those of the embedded backend
/// are.
///
/// # Panics
///
/// Panics if the future is pending.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the embedded backend never waits"),
    }
}

/// A unit of work to measure, called with the number of the call.
pub type Work<'a> = &'a (dyn Fn(usize) + Sync);

/// Measures our work and a peer's alternately and prints one row of a table.
pub fn compare(workload: &str, threads: usize, calls: usize, ours: Work<'_>, peer: Work<'_>) {
    compare_rounds(
        workload,
        amount(ROUNDS, 1),
        || time(threads, calls, ours),
        || time(threads, calls, peer),
    );
}

/// Compares two sides that measure a round themselves; each returns nanoseconds per call.
pub fn compare_rounds(
    workload: &str,
    rounds: usize,
    ours: impl Fn() -> f64,
    peer: impl Fn() -> f64,
) {
    ours();
    peer();
    let rounds: Vec<(f64, f64)> = (0..rounds)
        .map(|round| {
            // The second side profits from a warm clock, so they alternate.
            if round % 2 == 0 {
                let ours = ours();
                (ours, peer())
            } else {
                let peer = peer();
                (ours(), peer)
            }
        })
        .collect();
    let ratios = Spread::of(rounds.iter().map(|(ours, peer)| ours / peer));
    let ours = Spread::of(rounds.iter().map(|(ours, _)| *ours)).median;
    let peer = Spread::of(rounds.iter().map(|(_, peer)| *peer)).median;
    println!(
        "| {workload} | {ours:.0} | {peer:.0} | **{:.2}** | {:.2} – {:.2} |",
        ratios.median, ratios.low, ratios.high
    );
}

/// Prints the header of a table.
pub fn table(title: &str, peer: &str) {
    println!("\n{title}\n");
    println!("| workload | traffik, ns | {peer}, ns | ratio, median | middle half |");
    println!("|---|---|---|---|---|");
}

/// Returns nanoseconds per call over all threads.
fn time(threads: usize, calls: usize, work: Work<'_>) -> f64 {
    let barrier = Barrier::new(threads);
    let each = calls / threads;
    let run = |thread: usize| {
        barrier.wait();
        let start = Instant::now();
        for call in 0..each {
            work(thread * each + call);
        }
        start.elapsed()
    };
    let longest = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|thread| scope.spawn(move || run(thread)))
            .collect();
        let own = run(0);
        others
            .into_iter()
            .map(|other| other.join().unwrap_or(Duration::MAX))
            .fold(own, Duration::max)
    });
    longest.as_nanos() as f64 / (each * threads) as f64
}
