use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::meter::Meter;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// Hits pour in and leak at the rate; what would overflow is refused.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: capacity + L − 1 in a stretch as long as the period.
///
/// The leaky bucket as a meter, ITU-T I.371.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeakyBucket {
    capacity: Option<u64>,
}

/// A leaky bucket's state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LeakyBucketMetadata {
    /// How full it is.
    pub bucket_level: f64,
    /// How much it holds.
    pub bucket_capacity: u64,
    /// How much leaks in a millisecond.
    pub leak_rate_per_ms: f64,
}

impl LeakyBucket {
    /// What all throttles share that set nothing of it.
    #[doc(hidden)]
    pub const PLAIN: &Self = &Self::new();

    /// A bucket that holds the rate's limit.
    pub const fn new() -> Self {
        Self { capacity: None }
    }

    /// How much the bucket holds, at least 1; default: the rate's limit.
    #[must_use]
    pub const fn capacity(self, capacity: u64) -> Self {
        Self {
            capacity: Some(capacity),
        }
    }

    /// The capacity that was set.
    pub const fn capacity_setting(&self) -> Option<u64> {
        self.capacity
    }

    fn capacity_of(&self, rate: Rate) -> u64 {
        self.capacity.unwrap_or(rate.limit())
    }
}

impl BuiltIn for LeakyBucket {
    type Metadata = LeakyBucketMetadata;

    const NAME: &'static str = "leaky_bucket";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        match self.capacity_of(rate) {
            0 => Err(StrategyError::Empty("capacity")),
            capacity => Meter::with_capacity(rate, capacity.into()).map(Law::Meter),
        }
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> LeakyBucketMetadata {
        LeakyBucketMetadata {
            bucket_level: law.level(state, hit.now),
            bucket_capacity: self.capacity_of(hit.rate),
            leak_rate_per_ms: hit.rate.rps() / 1_000.0,
        }
    }
}
