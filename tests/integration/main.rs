//! Tests of the whole, by what they look at.

mod equivalence;
mod failure;
mod http;
mod laws;
pub(crate) mod memory;
mod names;
mod redis;
