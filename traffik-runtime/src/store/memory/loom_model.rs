//! Bounds of the loom models of the memory backend, which run the real source.
//!
//! ```text
//! RUSTFLAGS="--cfg traffik_loom" cargo test -p traffik-runtime --lib --target-dir target/loom loom
//! ```
//!
//! `LOOM_MAX_PREEMPTIONS` (default 2) and `LOOM_MAX_DURATION` (default 30 s for each model) set the
//! bounds. With `--nocapture` each model prints its number of executions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use loom::thread;

/// Enough steps for one execution of the longest model.
const MAX_BRANCHES: usize = 20_000;

/// The number of executions between two checks of the time.
const CHECKPOINT_INTERVAL: usize = 200;

/// The stack of a thread that decides sets, in words: loom's own threads have 32 KiB.
const LARGE_STACK: usize = 64 * 1_024;

/// Runs a model under every interleaving within the bounds.
pub(crate) fn model(name: &'static str, run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(2);
    let max_duration = *builder.max_duration.get_or_insert(Duration::from_secs(30));
    builder.max_branches = MAX_BRANCHES;
    builder.checkpoint_interval = CHECKPOINT_INTERVAL;
    let executions = Arc::new(AtomicU64::new(0));
    let (counted, start) = (executions.clone(), Instant::now());
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        run();
    });
    let executions = executions.load(Ordering::Relaxed);
    let elapsed = start.elapsed();
    let end = if elapsed < max_duration {
        "complete"
    } else {
        "stopped at the bound"
    };
    println!("{name}: {executions} executions in {elapsed:.1?}, {end}");
}

/// Runs a model whose first thread needs a large stack.
pub(crate) fn model_on_large_stack(
    name: &'static str,
    run: impl Fn() + Send + Sync + Copy + 'static,
) {
    model(name, move || {
        spawn_on_large_stack(run).join().expect("the model passes")
    });
}

/// Spawns a thread of a model with a large stack.
pub(crate) fn spawn_on_large_stack<T: Send + 'static>(
    act: impl FnOnce() -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let builder = thread::Builder::new().stack_size(LARGE_STACK);
    builder.spawn(act).expect("a model has few threads")
}
