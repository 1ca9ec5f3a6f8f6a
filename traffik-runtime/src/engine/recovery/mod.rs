//! The executor of `on_error`: policies that take over where a backend fails.
//!
//! [`resolve`] makes the first attempt. If it fails, [`groups`] asks the policy of each group of
//! hits, and [`chain`] follows a policy to the one behind it; [`retries`] and [`fallbacks`] make
//! further attempts, each within its share of the time ([`time_budget`]) and past the circuit
//! breakers ([`breakers`]); [`verdict`] is what is left where every attempt has failed.

pub(crate) mod attempt;
pub(crate) mod breakers;
pub(crate) mod chain;
pub(crate) mod fallbacks;
pub(crate) mod groups;
pub(crate) mod resolution;
pub(crate) mod resolve;
pub(crate) mod retries;
pub(crate) mod run;
pub(crate) mod time_budget;
pub(crate) mod verdict;
