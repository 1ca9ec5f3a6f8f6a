//! Policies for hits that a backend fails to decide: values for `on_error`.
//!
//! `policy` holds the last resorts and the chain of steps before them, `step` the steps. `retry`,
//! `fallback` and `failover` hold their builders, `handler` the trait for functions of the user's
//! own. The engine runs the policies.

pub(crate) mod error_kinds;
pub(crate) mod failover;
pub(crate) mod fallback;
pub(crate) mod handler;
pub(crate) mod policy;
pub(crate) mod retry;
pub(crate) mod step;
pub(crate) mod verdict;

pub use failover::Failover;
pub use fallback::Fallback;
pub use handler::{Handler, OnError};
pub use policy::{Policy, allow, custom, raise, throttle, throttle_for};
pub use retry::{Retry, retry};
pub use verdict::{Failure, Verdict};
