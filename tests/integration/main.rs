//! Tests of the whole, by what they look at.

mod equivalence;
mod failure;
mod http;
mod laws;
mod memory;
mod names;
mod redis;
