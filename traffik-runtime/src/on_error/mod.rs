//! What happens when a backend fails: values for `on_error`.
//!
//! [`allow`], [`throttle`] and [`raise`] answer at once; a function of yours, a [`Failure`] to a [`Verdict`], does too.
//! [`retry`] asks the backend again, [`fallback`] asks another one, and [`failover`] does both behind a
//! [`CircuitBreaker`]. What they have no answer to, the policy behind them ([`Retry::then`]) decides; by default that is
//! [`throttle`].
//!
//! ```
//! use std::time::Duration;
//! use traffik::{Backend, Failure, Verdict};
//! use traffik::failure::{allow, failover, fallback, retry};
//!
//! async fn last_resort(failure: &Failure<'_>) -> Verdict {
//!     eprintln!("{} cannot be decided: {}", failure.uid, failure.error);
//!     Verdict::Throttle(Duration::from_secs(5))
//! }
//!
//! let local = Backend::memory();
//! let primary = Backend::memory().on_error(retry(2).then(fallback(local).instances(4).then(last_resort)));
//! let careless = primary.clone().on_error(allow());
//! let careful = primary.clone().on_error(failover(Backend::memory()));
//! ```

pub(crate) mod error_kinds;
pub(crate) mod failover;
pub(crate) mod fallback;
pub(crate) mod handler;
pub(crate) mod policy;
pub(crate) mod retry;
pub(crate) mod verdict;

pub use failover::{Failover, failover};
pub use fallback::{Fallback, fallback};
pub use handler::{Handler, OnError};
pub use policy::{Policy, allow, own, raise, throttle, throttle_for};
pub use retry::{Retry, retry};
pub use verdict::{Failure, Verdict};

pub use crate::resilience::{Backoff, BreakerState, CircuitBreaker, Jitter, Permit, SharedBreaker};
