//! Tools for tests of throttled code and of stores.

pub(crate) mod conformance;
pub(crate) mod flaky;

pub use conformance::conformance;
pub use flaky::{Fault, FlakyStore};
