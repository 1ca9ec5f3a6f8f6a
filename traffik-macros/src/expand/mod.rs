//! Meaning → tokens. Nothing is checked here and nothing can fail.
//!
//! A throttle becomes a type with an implementation of `Define`. An attribute becomes, besides, a hidden `Site`, which
//! says what this use of throttles is (unless the throttle it defines says it all), and a function of the handler's name and
//! arguments with one more, the gate, which asks before the body is read. The handler stays within it, as it was written.

mod attribute;
mod block;
mod closures;
mod define;
mod docs;
mod doubts;
mod gate;
mod literals;
mod on_error;
mod options;
mod paths;
mod patterns;
mod site;
mod strategy;
mod verbatim;
mod worst_case;

pub(crate) use attribute::{attribute, refused};
pub(crate) use block::block;
