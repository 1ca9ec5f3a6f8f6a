//! What every backend does: decide a slice of plans, all or nothing.

use std::fmt;

use super::key::Key;
use crate::decision::Report;
use crate::strategy::kernel::{Law, Packed};
use crate::strategy::{ErasedStrategy, Hit, State};

/// One hit on one client's budget under one law.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) key: Key,
    pub(crate) law: Law,
    pub(crate) strategy: &'a dyn ErasedStrategy,
    pub(crate) hit: Hit<'a>,
}

/// What became of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Ruling {
    /// Whether this plan alone would be admitted. The slice was admitted, and counted, iff all fit.
    pub(crate) fits: bool,
    /// The state afterwards.
    pub(crate) state: State,
}

impl Ruling {
    pub(crate) const fn packed(fits: bool, state: Packed) -> Self {
        Self {
            fits,
            state: State::Packed(state),
        }
    }
}

impl Default for Ruling {
    fn default() -> Self {
        Self::packed(false, Packed::default())
    }
}

/// Where states live. A store applies laws atomically; it knows no throttles, clients or requests.
pub(crate) trait Store: fmt::Debug + Send + Sync + 'static {
    /// Decides one hit under a built-in law, which is what most requests ask: whether it was admitted, and what the law
    /// says afterwards.
    fn decide_one(&self, key: Key, law: &Law, now: u64, cost: u64) -> (bool, Report);

    /// Decides all plans at one moment, writes all or none, and gives each its ruling, in order.
    ///
    /// A cost of 0 is admitted without asking the law and writes nothing: this is how states are read.
    fn decide_all(&self, plans: &[Plan<'_>], rulings: &mut [Ruling]);
}
