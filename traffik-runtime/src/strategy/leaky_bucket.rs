//! `LeakyBucket`: hits fill a bucket that leaks at the rate.

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::meter::Meter;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// Hits fill a bucket that leaks at the rate. A hit that would overflow it is refused.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: capacity + L − 1 in a stretch as long as the period.
///
/// The leaky bucket as a meter, ITU-T I.371.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeakyBucket {
    capacity: Option<u64>,
}

/// The state of a leaky bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LeakyBucketMetadata {
    /// The level of the bucket in units.
    pub bucket_level: f64,
    /// The capacity of the bucket in units.
    pub bucket_capacity: u64,
    /// The units that leak in a millisecond.
    pub leak_rate_per_ms: f64,
}

impl LeakyBucket {
    /// The strategy with its defaults, which throttles without parameters share.
    #[doc(hidden)]
    pub const DEFAULT: &Self = &Self::new();

    /// Makes a bucket with the capacity of the rate's limit.
    pub const fn new() -> Self {
        Self { capacity: None }
    }

    /// Sets the capacity, at least 1; default: the rate's limit.
    #[must_use]
    pub const fn capacity(self, capacity: u64) -> Self {
        Self {
            capacity: Some(capacity),
        }
    }

    /// Returns the capacity that was set.
    pub const fn capacity_setting(&self) -> Option<u64> {
        self.capacity
    }

    const fn capacity_of(&self, rate: Rate) -> u64 {
        match self.capacity {
            Some(capacity) => capacity,
            None => rate.limit(),
        }
    }

    const fn meter(&self, rate: Rate) -> Result<Meter, StrategyError> {
        match self.capacity_of(rate) {
            0 => Err(StrategyError::Empty("capacity")),
            capacity => Meter::with_capacity(rate, capacity as u128),
        }
    }

    /// Returns the law of a rate as a constant of a macro, which has checked the rate.
    #[doc(hidden)]
    pub const fn constant_law(&self, rate: Rate) -> Law {
        Law::of_meter(self.meter(rate))
    }
}

impl BuiltIn for LeakyBucket {
    type Metadata = LeakyBucketMetadata;

    const NAME: &'static str = "leaky_bucket";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        self.meter(rate).map(Law::Meter)
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> LeakyBucketMetadata {
        LeakyBucketMetadata {
            bucket_level: law.level(state, hit.now),
            bucket_capacity: self.capacity_of(hit.rate),
            leak_rate_per_ms: hit.rate.rps() / 1_000.0,
        }
    }
}
