//! What tests of throttled code and of stores need.

mod conformance;
mod flaky;

pub use conformance::conformance;
pub use flaky::{FlakyStore, Trouble};

pub use crate::clock::ManualClock;
