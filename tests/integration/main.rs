//! Tests of the whole, by what they look at.

mod conformance;
mod equivalence;
mod failure;
mod http;
mod laws;
mod memcached;
pub(crate) mod memory;
mod names;
mod redis;
mod ws;
