use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::meter::Meter;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// Hits queue up and run one after the other at the rate, each held back by the decision's `delay`; a full queue refuses.
///
/// A hit that goes away while it waits has spent its place.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: `queue_size` + L − 1 admitted in a stretch as long as the period, of which L + m − 1 start, m being the
///   largest cost.
///
/// The leaky bucket as a queue (Turner, 1986).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeakyBucketWithQueue {
    size: Option<u64>,
}

/// A queue's state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LeakyBucketWithQueueMetadata {
    /// How many units hold a place, the one being served included.
    pub queue_cost: f64,
    /// How many places there are.
    pub queue_size: u64,
    /// How many units are served in a millisecond.
    pub leak_rate_per_ms: f64,
}

impl LeakyBucketWithQueue {
    /// What all throttles share that set nothing of it.
    #[doc(hidden)]
    pub const PLAIN: &Self = &Self::new();

    /// A queue with as many places as the rate's limit.
    pub const fn new() -> Self {
        Self { size: None }
    }

    /// How many places there are, that of the unit being served included; at least 1; default: the rate's limit.
    #[must_use]
    pub const fn queue_size(self, size: u64) -> Self {
        Self { size: Some(size) }
    }

    /// The size that was set.
    pub const fn queue_size_setting(&self) -> Option<u64> {
        self.size
    }

    fn size_of(&self, rate: Rate) -> u64 {
        self.size.unwrap_or(rate.limit())
    }
}

impl BuiltIn for LeakyBucketWithQueue {
    type Metadata = LeakyBucketWithQueueMetadata;

    const NAME: &'static str = "leaky_bucket_with_queue";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        match self.size_of(rate) {
            0 => Err(StrategyError::Empty("queue_size")),
            size => Meter::with_queue(rate, size).map(Law::Meter),
        }
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> LeakyBucketWithQueueMetadata {
        LeakyBucketWithQueueMetadata {
            queue_cost: law.level(state, hit.now),
            queue_size: self.size_of(hit.rate),
            leak_rate_per_ms: hit.rate.rps() / 1_000.0,
        }
    }
}
