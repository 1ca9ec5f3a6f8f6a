//! Meaning → tokens. Nothing is checked here and nothing can fail.
//!
//! A throttle becomes a type with an implementation of `Define`. An attribute adds a hidden type,
//! which describes this use of throttles (unless the throttle itself describes it completely), and
//! a function of the handler's name. Its one argument is the gate, which extracts the handler's own
//! arguments and decides before the body is read. The handler is wrapped as it was written. One
//! that cannot be wrapped gets the gate as an additional argument.

mod attribute;
mod block;
mod closure_arguments;
mod docs;
mod handler;
mod literals;
mod on_error;
mod paths;
mod patterns;
mod settings;
mod strategy;
mod throttle;
mod warnings;
mod worst_case;

pub(crate) use attribute::{attribute, attribute_with_errors};
pub(crate) use block::block;
