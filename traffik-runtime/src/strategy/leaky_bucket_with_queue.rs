//! `LeakyBucketWithQueue`: a queue that is served at the rate.

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::meter::Meter;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// Hits wait in a queue that is served at the rate, each for the decision's `delay`. A full queue
/// refuses.
///
/// A hit that is cancelled while it waits does not give its place back.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: `queue_size` + L − 1 are admitted in a stretch as long as the period, and L + m −
///   1 of them start, with the largest cost m.
///
/// The leaky bucket as a queue (Turner, 1986).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeakyBucketWithQueue {
    size: Option<u64>,
}

/// The state of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LeakyBucketWithQueueMetadata {
    /// The units in the queue, with the one that is being served.
    pub queue_cost: f64,
    /// The places of the queue.
    pub queue_size: u64,
    /// The units that are served in a millisecond.
    pub leak_rate_per_ms: f64,
}

impl LeakyBucketWithQueue {
    /// The strategy with its defaults, which throttles without parameters share.
    #[doc(hidden)]
    pub const DEFAULT: &Self = &Self::new();

    /// Makes a queue with as many places as the rate's limit.
    pub const fn new() -> Self {
        Self { size: None }
    }

    /// Sets the number of places, with that of the unit being served, at least 1; default: the
    /// rate's limit.
    #[must_use]
    pub const fn queue_size(self, size: u64) -> Self {
        Self { size: Some(size) }
    }

    /// Returns the size that was set.
    pub const fn queue_size_setting(&self) -> Option<u64> {
        self.size
    }

    const fn size_of(&self, rate: Rate) -> u64 {
        match self.size {
            Some(size) => size,
            None => rate.limit(),
        }
    }

    const fn meter(&self, rate: Rate) -> Result<Meter, StrategyError> {
        match self.size_of(rate) {
            0 => Err(StrategyError::Empty("queue_size")),
            size => Meter::with_queue(rate, size),
        }
    }

    /// Returns the law of a rate as a constant of a macro, which has checked the rate.
    #[doc(hidden)]
    pub const fn constant_law(&self, rate: Rate) -> Law {
        Law::of_meter(self.meter(rate))
    }
}

impl BuiltIn for LeakyBucketWithQueue {
    type Metadata = LeakyBucketWithQueueMetadata;

    const NAME: &'static str = "leaky_bucket_with_queue";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        self.meter(rate).map(Law::Meter)
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> LeakyBucketWithQueueMetadata {
        LeakyBucketWithQueueMetadata {
            queue_cost: law.level(state, hit.now),
            queue_size: self.size_of(hit.rate),
            leak_rate_per_ms: hit.rate.rps() / 1_000.0,
        }
    }
}
