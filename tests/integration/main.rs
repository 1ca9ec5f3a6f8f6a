//! Integration tests of the whole library, by topic.

mod api;
mod applications;
mod cancellation;
mod chance;
mod closures;
mod conformance;
mod corpus;
mod equivalence;
mod failure;
mod http;
mod laws;
mod leases;
mod local_refusals;
mod memcached;
pub(crate) mod memory;
mod names;
mod operating;
mod redis;
mod refunds;
mod settling;
mod simulation;
mod state_version;
mod ws;
