//! Tests of the whole, by what they look at.

mod conformance;
mod equivalence;
mod http;
mod laws;
mod memcached;
mod memory;
mod names;
mod redis;
