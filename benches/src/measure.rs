//! Measurement of several sides in turn, because machines are shared and noisy.

use std::future::Future;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::effort;
use crate::row::Row;
use crate::spread::{Goal, Spread};

/// Rounds in which all sides are measured.
const ROUNDS: usize = 31;

/// Returns the output of a future that is ready on its first poll, as those of the embedded backend
/// are.
///
/// It is inlined, as an `await` is: a function would return a copy of the output, and so add to
/// what is measured.
///
/// # Panics
///
/// Panics if the future is pending.
#[inline(always)]
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the embedded backend never waits"),
    }
}

/// A unit of work to measure, called with the number of the call.
pub type Work<'a> = &'a (dyn Fn(usize) + Sync);

/// A comparison of a workload on our side and on a peer's, by the time of a call.
#[derive(Clone)]
#[must_use]
#[expect(missing_debug_implementations, reason = "work has no `Debug`")]
pub struct Comparison<'a> {
    workload: &'a str,
    threads: usize,
    calls: usize,
    goal: Goal,
    limit: Option<Work<'a>>,
}

impl<'a> Comparison<'a> {
    /// Creates a comparison of rounds of `calls` calls, on one thread and without a goal.
    pub fn new(workload: &'a str, calls: usize) -> Self {
        Self {
            workload,
            threads: 1,
            calls,
            goal: Goal::None,
            limit: None,
        }
    }

    /// Sets the number of threads that share the calls of a round.
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Sets the goal for the ratio.
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    /// Adds the least work that any limiter has to do, written by hand without features.
    pub fn limit(self, limit: Work<'a>) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// Measures the sides in turn.
    pub fn run(&self, ours: Work<'_>, peer: Work<'_>) -> Row {
        let measure = |work| time(self.threads, self.calls, work);
        let (mut ours, mut peer) = (|| measure(ours), || measure(peer));
        let rounds = match self.limit {
            None => alternate(effort::rounds(ROUNDS), &mut [&mut ours, &mut peer]),
            Some(limit) => alternate(
                effort::rounds(ROUNDS),
                &mut [&mut ours, &mut peer, &mut || measure(limit)],
            ),
        };
        rounds.row(self.workload, self.goal)
    }
}

/// The figures of each side, round by round: ours, the peer's, and others.
#[derive(Clone, Debug)]
pub struct Rounds(Vec<Vec<f64>>);

/// Measures sides in turn, each of which measures a round itself and returns the time of a call.
pub fn alternate(rounds: usize, sides: &mut [&mut dyn FnMut() -> f64]) -> Rounds {
    for side in &mut *sides {
        side();
    }
    let count = sides.len();
    let rounds = (0..rounds).map(|round| {
        let mut figures = vec![0.0; count];
        // Later sides profit from a warm clock, so another one begins in each round.
        for place in 0..count {
            let side = (round + place) % count;
            figures[side] = sides[side]();
        }
        figures
    });
    Rounds(rounds.collect())
}

impl Rounds {
    /// Creates rounds from figures that were measured otherwise, each with those of all sides.
    pub fn new<const SIDES: usize>(rounds: impl IntoIterator<Item = [f64; SIDES]>) -> Self {
        Self(rounds.into_iter().map(Vec::from).collect())
    }

    /// Subtracts the last side from the others and removes it.
    #[must_use]
    pub fn beyond_last(mut self) -> Self {
        for round in &mut self.0 {
            if let Some(base) = round.pop() {
                for figure in round {
                    *figure -= base;
                }
            }
        }
        self
    }

    /// Returns the median of a side.
    pub fn median(&self, side: usize) -> f64 {
        Spread::of(self.0.iter().map(|round| round[side])).median
    }

    /// Makes a row: the first side is ours, the second the peer's, a third the limit.
    pub fn row(&self, name: impl Into<String>, goal: Goal) -> Row {
        let has_limit = self.0.first().is_some_and(|round| round.len() > 2);
        Row {
            name: name.into(),
            ours: self.median(0),
            peer: self.median(1),
            limit: has_limit.then(|| self.median(2)),
            ratio: Some(Spread::of(self.0.iter().map(|round| round[0] / round[1]))),
            goal,
        }
    }
}

/// Returns nanoseconds per call over all threads.
pub fn time(threads: usize, calls: usize, work: Work<'_>) -> f64 {
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
