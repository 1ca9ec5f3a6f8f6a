//! Waiting times between attempts and circuit breakers: pure state machines.

pub(crate) mod backoff;
pub(crate) mod breaker;
pub(crate) mod circuit;

pub use backoff::{Backoff, Jitter};
pub use breaker::{CircuitBreaker, Permit, SharedBreaker};
pub use circuit::BreakerState;
