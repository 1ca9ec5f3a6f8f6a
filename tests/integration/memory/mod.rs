//! The embedded backend: what threads and tasks do to it at once, and how much it remembers.

mod capacity;
mod custom;
mod growth;
mod moves;
mod sets;
mod tasks;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use traffik::strategy::{FixedWindow, Gcra, SlidingCounter, TokenBucket};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity};

/// A throttle for every strategy, each of which admits `limit` units at once in an hour and gives none back.
fn each(backend: &Backend, limit: u32) -> [(&'static str, DynThrottle); 4] {
    let rate = traffik::Rate::per_hour(limit);
    let build = |builder: DynThrottleBuilder| {
        let builder = builder.rate(rate).backend(backend.clone());
        builder.build().expect("a throttle that works")
    };
    let builder = || DynThrottle::builder("each");
    // As early as all hits but the first: one an emission interval.
    let tolerance = rate.period() / limit * (limit - 1);
    [
        (
            "fixed window",
            build(builder().strategy(FixedWindow::new())),
        ),
        (
            "sliding counter",
            build(builder().strategy(SlidingCounter::new())),
        ),
        (
            "token bucket",
            build(builder().strategy(TokenBucket::new())),
        ),
        (
            "gcra",
            build(builder().strategy(Gcra::new().burst_tolerance(tolerance))),
        ),
    ]
}

/// Whether the throttle admits a hit.
fn admits(throttle: &DynThrottle, client: &Identity, cost: u64) -> bool {
    now(throttle.hit(client, cost))
        .expect("memory always answers")
        .admitted
}

/// How much the throttle would admit.
fn remaining(throttle: &DynThrottle, client: &Identity) -> u64 {
    now(throttle.stat(client))
        .expect("memory always answers")
        .hits_remaining
}

/// The answer of a future that has it at once, as all do that ask only this process's memory.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the embedded backend answers at once"),
    }
}
