//! What tests of throttled code and of stores need.

pub(crate) mod conformance;
pub(crate) mod flaky;

pub use conformance::conformance;
pub use flaky::{Fault, FlakyStore};
