//! The limits of the simulated throttles, and the worst case of each.

use traffik::strategy::{FixedWindow, Gcra, LeakyBucket, SlidingCounter, SlidingLog, TokenBucket};
use traffik::{Backend, DynThrottle, failure};

use super::workload::client_of;

/// A limit, which all processes share.
#[derive(Debug)]
pub(super) struct Limit {
    pub(super) uid: &'static str,
    rate: &'static str,
    /// The units of a period.
    pub(super) units: u64,
    /// The period, in microseconds.
    pub(super) period: u64,
    pub(super) strategy: Strategy,
}

/// The strategies that are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    Window,
    Counter,
    Log,
    Bucket,
    Leaky,
    Gcra,
}

/// The limits. The last two are members of a set.
pub(super) const LIMITS: [Limit; 9] = [
    limit("sim-window", "900/s", 900, 1_000_000, Strategy::Window),
    limit("sim-short", "500/200ms", 500, 200_000, Strategy::Window),
    limit("sim-hour", "9000/h", 9_000, 3_600_000_000, Strategy::Window),
    limit("sim-counter", "900/s", 900, 1_000_000, Strategy::Counter),
    limit("sim-log", "900/s", 900, 1_000_000, Strategy::Log),
    limit("sim-bucket", "900/s", 900, 1_000_000, Strategy::Bucket),
    limit("sim-leaky", "700/500ms", 700, 500_000, Strategy::Leaky),
    limit("sim-set-one", "900/s", 900, 1_000_000, Strategy::Window),
    limit("sim-set-two", "600/s", 600, 1_000_000, Strategy::Gcra),
];

/// The members of the set, by their places in [`LIMITS`].
pub(super) const SET: [usize; 2] = [7, 8];

traffik::throttles! {
    pub(super) throttle SetOne(
        rate = "900/s", uid = "sim-set-one", identifier = client_of, on_error = raise
    );
    pub(super) throttle SetTwo(
        rate = "600/s", strategy = gcra, uid = "sim-set-two", identifier = client_of,
        on_error = raise
    );
}

const fn limit(
    uid: &'static str,
    rate: &'static str,
    units: u64,
    period: u64,
    strategy: Strategy,
) -> Limit {
    Limit {
        uid,
        rate,
        units,
        period,
        strategy,
    }
}

impl Limit {
    /// Builds the throttle of a process.
    pub(super) fn throttle(&self, backend: &Backend) -> DynThrottle {
        let builder = DynThrottle::builder(self.uid).rate(self.rate.parse().unwrap());
        let builder = match self.strategy {
            Strategy::Window => builder.strategy(FixedWindow::new()),
            Strategy::Counter => builder.strategy(SlidingCounter::new()),
            Strategy::Log => builder.strategy(SlidingLog::new()),
            Strategy::Bucket => builder.strategy(TokenBucket::new()),
            Strategy::Leaky => builder.strategy(LeakyBucket::new()),
            Strategy::Gcra => builder.strategy(Gcra::new()),
        };
        let builder = builder.backend(backend.clone()).on_error(failure::raise());
        builder.build().unwrap()
    }

    /// Returns the greatest number of units in any half-open stretch of this length, in
    /// microseconds, where the largest hit has this cost. These are the worst cases of the guide.
    pub(super) const fn worst_case(&self, length: u64, largest: u64) -> u64 {
        let periods = length.div_ceil(self.period);
        let refilled = (self.units * length).div_ceil(self.period);
        match self.strategy {
            Strategy::Window => self.units * (periods + 1),
            Strategy::Counter => 2 * self.units * periods - 1,
            Strategy::Log => self.units * periods,
            Strategy::Bucket | Strategy::Leaky => self.units + refilled - 1,
            Strategy::Gcra => refilled + largest - 1,
        }
    }
}
