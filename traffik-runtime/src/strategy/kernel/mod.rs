//! The laws that most strategies are, each written once, in integers.
//!
//! A kernel reads a [`Packed`] state and gives back another; rules are numbered as in the design (L1 …), the sources of the
//! algorithms stand at each kernel.

mod counter;
mod exact;
mod meter;
mod packed;
mod window;

pub use counter::Counter;
pub use exact::EXACT;
pub use meter::{Meter, Need};
pub use packed::{Kind, Packed};
pub use window::Window;

use crate::decision::Report;

/// A law with its numbers worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// A count in windows aligned to the epoch.
    Window(Window),
    /// Two window counts, the older one weighted by how much of it is still in sight.
    Counter(Counter),
    /// A level that leaks.
    Meter(Meter),
    /// Everything is admitted, nothing is counted.
    Unlimited,
    /// A strategy of the user's own; the kernels know nothing of it.
    Custom,
}

impl Law {
    /// The state after a hit of this cost, which is at least 1, if the law admits it.
    #[inline]
    pub fn decide(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        match self {
            Self::Window(law) => law.decide(state, now, cost),
            Self::Counter(law) => law.decide(state, now, cost),
            Self::Meter(law) => law.decide(state, now, cost),
            Self::Unlimited => Some(*state),
            Self::Custom => None,
        }
    }

    /// What the law says of a state, and how long a hit of this cost would wait.
    #[inline]
    pub fn report(&self, state: &Packed, now: u64, cost: u64) -> Report {
        match self {
            Self::Window(law) => law.report(state, now, cost),
            Self::Counter(law) => law.report(state, now, cost),
            Self::Meter(law) => law.report(state, now, cost),
            Self::Unlimited => Report::UNLIMITED,
            Self::Custom => Report::default(),
        }
    }

    /// The largest cost the law can ever admit (L9).
    pub const fn largest(&self) -> u64 {
        match self {
            Self::Window(law) => law.largest(),
            Self::Counter(law) => law.largest(),
            Self::Meter(law) => law.largest(),
            Self::Unlimited | Self::Custom => u64::MAX,
        }
    }
}
