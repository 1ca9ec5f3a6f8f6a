//! The amount of work of a run: a measurement, a quick one, or a little of everything.

use std::env;
use std::sync::OnceLock;

/// The amount of work of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Runs everything once, to show that it works.
    Smoke,
    /// Measures in few rounds, for a first impression.
    Quick,
    /// Measures.
    Full,
}

static EFFORT: OnceLock<Effort> = OnceLock::new();

impl Effort {
    /// Sets the effort of this process; without effect once it has been read.
    pub fn set(self) {
        EFFORT.get_or_init(|| self);
    }

    /// Returns the effort of this process: as set, otherwise from the arguments. Cargo passes
    /// `--bench` to a benchmark that is to measure.
    pub fn current() -> Self {
        let has_option = |option| env::args().any(|argument| argument == option);
        *EFFORT.get_or_init(|| {
            if !has_option("--bench") || has_option("--test") {
                Self::Smoke
            } else if has_option("--quick") {
                Self::Quick
            } else {
                Self::Full
            }
        })
    }
}

/// Returns the amount of work: `full` for a measurement, `smoke` for a run that only shows that the
/// benchmark works.
pub fn amount(full: usize, smoke: usize) -> usize {
    match Effort::current() {
        Effort::Smoke => smoke,
        Effort::Quick | Effort::Full => full,
    }
}

/// Returns the number of rounds: a fifth of `full` in a quick run, but at least three.
pub fn rounds(full: usize) -> usize {
    match Effort::current() {
        Effort::Smoke => 1,
        Effort::Quick => (full / 5).max(3),
        Effort::Full => full,
    }
}
